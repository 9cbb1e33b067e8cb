import { chromium, type Page } from 'playwright-core';
import t from 'tap';
import { type Daemons, makeDaemons } from './daemons.ts';

// The pages as a person meets them: real daemons, a real browser.

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
/** Two scans, a scheduler round and a browser on a busy machine. */
const WAIT_MS = 60_000;

t.test('pages', { timeout: 500_000 }, async t => {
  const daemons: Daemons = await makeDaemons();
  t.teardown(() => daemons.cleanUp());
  await daemons.cantal.start();
  await daemons.verwalter.start();
  const browser = await chromium.launch({ executablePath: CHROMIUM, headless: true, args: FLAGS });
  t.teardown(() => browser.close());

  /** A page that must not complain; requests to other origins are collected. */
  async function open(url: string): Promise<{ page: Page; foreign: string[]; problems: string[] }> {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    page.setDefaultTimeout(WAIT_MS);
    const foreign: string[] = [];
    const problems: string[] = [];
    page.on('request', request => {
      if (!request.url().startsWith(url) && !/^(data|blob|ws):/.test(request.url()))
        foreign.push(request.url());
    });
    page.on('pageerror', error => problems.push(error.message));
    await page.goto(url);
    return { page, foreign, problems };
  }

  await t.test('cantal draws live charts and asks nobody else', async t => {
    const { page, foreign, problems } = await open(daemons.cantal.url);
    await page.getByRole('status').filter({ hasText: 'live' }).waitFor();
    await page.locator('[aria-label="CPU, all cores"] canvas').waitFor();
    const scans = page.locator('[aria-label=Agent] dd', { hasText: 'scans' });
    const before = await scans.textContent();
    await page.waitForFunction(
      text => ![...document.querySelectorAll('[aria-label=Agent] dd')].some(one => one.textContent === text),
      before,
    );
    t.not(await scans.textContent(), before, 'figures move by themselves');
    t.ok((await page.locator('[aria-label=Processes] tbody tr').count()) > 3);
    await page.getByRole('searchbox').fill('cantal');
    await page.locator('[aria-label=Processes] tbody tr', { hasText: 'cantal' }).first().waitFor();
    t.same(foreign, []);
    t.same(problems, []);
    await page.close();
  });

  await t.test('cantal keeps range, pause and theme in the address and works by keyboard', async t => {
    const { page } = await open(`${daemons.cantal.url}/?theme=dark`);
    await page.locator('canvas').first().waitFor();
    t.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'dark');
    await page.keyboard.press('3');
    await page.keyboard.press('Space');
    await page.waitForURL(/range=1(\+|%20)h.*paused/);
    t.equal(await page.getByRole('button', { name: '1 h' }).getAttribute('aria-pressed'), 'true');
    await page.keyboard.press('?');
    await page.getByRole('dialog').getByText('next theme').waitFor();
    await page.reload();
    await page.getByRole('button', { name: 'paused' }).waitFor();
    await page.close();
  });

  await t.test('cantal says when its data is stale and comes back by itself', async t => {
    const { page } = await open(daemons.cantal.url);
    await page.getByRole('status').filter({ hasText: 'live' }).waitFor();
    await page.locator('canvas').first().waitFor();
    await daemons.cantal.stop();
    await page.getByRole('status').filter({ hasText: 'stale' }).waitFor();
    t.ok((await page.locator('canvas').count()) > 0, 'the last figures stay');
    await daemons.cantal.start();
    await page.getByRole('status').filter({ hasText: 'live' }).waitFor();
    await page.close();
  });

  await t.test('an hour of 200 series with long names on a phone, one chart refused', async t => {
    const page = await browser.newPage({ viewport: { width: 390, height: 844 } });
    page.setDefaultTimeout(WAIT_MS);
    const newestMs = Date.now();
    const timestamps = Array.from({ length: 1800 }, (_, index) => newestMs - 2000 * index);
    const series = Array.from({ length: 200 }, (_, index) => ({
      key: {
        metric: 'rss',
        cgroup: `project.0123456789abcdef.host.lithos.django:a-long-worker-name.${index}`,
      },
      kind: 'Integer',
      values: timestamps.map((_, at) => (index + 1) * 2 ** 20 + at),
    }));
    const many = { type: 'MultiSeries', timestamps, series };
    const none = { type: 'MultiSeries', timestamps: [], series: [] };
    await page.route('**/query.json', async route => {
      const { rules } = route.request().postDataJSON() as { rules: Record<string, unknown> };
      const [id = ''] = Object.keys(rules);
      if (id === 'load')
        await route.fulfill({ status: 400, json: { error: 'the rule is too large', hint: '' } });
      else await route.fulfill({ json: { values: { [id]: id === 'groups-memory' ? many : none } } });
    });
    await page.goto(`${daemons.cantal.url}/?range=1+h`);
    const card = page.locator('[aria-label="Resident memory by container"]');
    await card.locator('canvas').waitFor();
    t.match(await card.locator('h2').textContent(), /the largest, 190 more/);
    t.equal(await card.locator('.u-legend .u-series').count(), 11, 'the time and ten lines');
    await page.locator('[aria-label="Load average"]', { hasText: 'the rule is too large' }).waitFor();
    await page.locator('[aria-label="Disk"]', { hasText: 'nothing measured yet' }).waitFor();
    for (const theme of ['light', 'dark']) {
      const wide = await page.evaluate(next => {
        document.documentElement.dataset.theme = next;
        const cards = [...document.querySelectorAll('.card')];
        return [document.documentElement, ...cards].filter(one => one.scrollWidth > one.clientWidth).length;
      }, theme);
      t.equal(wide, 0, `nothing runs over the edge, ${theme}`);
    }
    const slowestMs = await page.evaluate(async () => {
      const begun = performance.now();
      dispatchEvent(new KeyboardEvent('keydown', { key: 't' }));
      await new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)));
      return performance.now() - begun;
    });
    t.ok(slowestMs < 1000, `drawn anew in ${Math.round(slowestMs)} ms`);
    await page.keyboard.press('Tab');
    const outline = await page.evaluate(
      () => getComputedStyle(document.activeElement as Element).outlineStyle,
    );
    t.equal(outline, 'solid', 'the focus can be seen');
    await page.close();
  });

  await t.test('verwalter shows who leads and what runs where', async t => {
    const { page, foreign, problems } = await open(daemons.verwalter.url);
    await page.locator('[aria-label=Cluster]', { hasText: 'this host' }).waitFor();
    const row = page.locator('[aria-label="What runs where"] tr', { hasText: 'Web workers' });
    await row.waitFor();
    t.match((await row.textContent()) ?? '', /2/);
    t.same(foreign, []);
    t.same(problems, []);
    await page.close();
  });

  await t.test('a button changes the schedule; one with a question asks first', async t => {
    const { page } = await open(daemons.verwalter.url);
    const total = page
      .locator('[aria-label="What runs where"] tr', { hasText: 'Web workers' })
      .locator('td')
      .last();
    await total.filter({ hasText: '2' }).waitFor();
    await page.getByRole('button', { name: 'One more' }).click();
    await total.filter({ hasText: '3' }).waitFor();
    await page.getByRole('button', { name: 'Drain' }).click();
    await page.getByRole('dialog').getByText('Really?').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'No' }).click();
    t.equal(await total.textContent(), '3', 'No posts nothing');
    await page.getByRole('button', { name: 'Drain' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Yes' }).click();
    await total.filter({ hasText: '4' }).waitFor();
    await page.locator('[aria-label=Changes]', { hasText: 'asked by drain' }).waitFor();
    await page.close();
  });
});
