import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium, type Page } from 'playwright-core';
import t from 'tap';
import { Cluster, inOwnNetwork, type Node, SCHEDULER, until } from './cluster-rig.ts';

// The page of a cluster in trouble: what is wrong stands above everything else, on every node.

inOwnNetwork();
t.setTimeout(240_000);

const WITH_BUTTONS = SCHEDULER.replace(
  'roles = {web = {presses = presses}}',
  "roles = {web = {presses = presses, title = 'Web ' .. presses, global_actions = {{id = 'press', title = 'Press'}}}}",
);
const PHONE_PX = 390;

const cluster = new Cluster(2);
t.teardown(() => cluster.stop());

t.test('the page', async t => {
  t.not(WITH_BUTTONS, SCHEDULER);
  for (const node of cluster.nodes) node.writeScheduler(WITH_BUTTONS);
  await cluster.start();
  const { leader } = await cluster.agree(cluster.nodes, 20_000);
  const follower = cluster.nodes.find(node => node !== leader) as Node;
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
    ],
  });
  t.teardown(() => browser.close());
  const open = async (node: Node, theme: string): Promise<Page> => {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    page.setDefaultTimeout(20_000);
    await page.goto(`http://${node.address}:8379/?theme=${theme}`);
    await page.locator('[aria-label=Cluster]').waitFor();
    return page;
  };
  /** Above the fold, and no sideways scrolling on a phone. */
  const atFirstGlance = async (page: Page, text: string | RegExp, name: string) => {
    const alert = page.locator('[role=alert] .alert', { hasText: text });
    await alert.waitFor();
    const box = await alert.boundingBox();
    t.ok(box !== null && box.y < 500, `${name} at ${box?.y} px`);
    await shoot(page, name);
  };
  const shoot = async (page: Page, name: string) => {
    for (const [width, height] of [
      [1280, 900],
      [PHONE_PX, 800],
    ] as const) {
      await page.setViewportSize({ width, height });
      const wide = Number(await page.evaluate('document.documentElement.scrollWidth'));
      t.ok(wide <= width, `${name}: ${wide} px wide on ${width}`);
      if (process.env.SHOTS)
        await page.screenshot({ path: `${process.env.SHOTS}/${name}-${width}.png`, fullPage: width < 400 });
    }
    await page.setViewportSize({ width: 1280, height: 900 });
  };
  const light = await open(leader, 'light');
  const dark = await open(follower, 'dark');

  await t.test('is quiet while all is well', async t => {
    t.equal(await light.locator('.alert').count(), 0);
    await shoot(light, 'well-light');
  });

  await t.test('a press on a follower goes to the leader, and says so', async () => {
    const card = dark.locator('[aria-label=Buttons]');
    await card.getByText(`passes a press on to the leader ${leader.hostname}`).waitFor();
    await card.getByRole('button', { name: 'Press' }).click();
    await card.getByText(`registered by ${leader.hostname} as`).waitFor();
    await dark.locator('[aria-label="What runs where"]', { hasText: 'Web 1' }).waitFor();
    await shoot(dark, 'pressed-dark');
  });

  await t.test('a failed role', async t => {
    const set = join(follower.directory, 'config/templates/web/v1/page.hbs');
    const before = readFileSync(set, 'utf8');
    writeFileSync(set, 'first line\n{{ no_such_name }}\n');
    await follower.request('/v1/force_render_all', { method: 'POST' });
    await atFirstGlance(dark, /Role web failed.*page\.hbs:2:/s, 'role-dark');
    await atFirstGlance(light, `Errors on ${follower.hostname}`, 'role-of-another-light');
    writeFileSync(set, before);
    await until(
      'the role is well',
      90_000,
      async () => (await follower.status())?.failed_roles.length === 0 || undefined,
    );
    await dark.locator('.alert').first().waitFor({ state: 'detached' });
    t.pass();
  });

  await t.test('a scheduler that fails', async t => {
    leader.writeScheduler('return {scheduler = function()\n  error("no such thing")\nend}');
    await atFirstGlance(light, /scheduler fails.*main\.lua:2: no such thing/s, 'scheduler-light');
    leader.writeScheduler(WITH_BUTTONS);
    await light.locator('.alert').first().waitFor({ state: 'detached' });
    t.pass();
  });

  await t.test('a lost leader, and a host that is silent', async t => {
    cluster.isolate(leader);
    await dark.locator('[role=alert] .alert', { hasText: /No leader/ }).waitFor();
    t.ok(await dark.getByRole('button', { name: 'Press' }).isDisabled());
    await shoot(dark, 'leaderless-dark');
    await atFirstGlance(dark, `Not heard from: ${leader.hostname}`, 'silent-dark');
    cluster.heal();
  });
});
