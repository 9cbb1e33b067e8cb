// Words of other tools and of old manuals: who writes them is told what the thing is called here.

const KEYS: Readonly<Record<string, string>> = {
  services: 'a service is a child of a command with the tag !Supervise',
  version: 'minimum-vagga says which program can read the file',
  networks: 'the network of tests is the key network of children',
  image: 'an image of a registry is the first step of setup: !OciImage NAME',
  build: 'how a container is built is the list setup',
  command: 'it is called run',
  entrypoint: 'it is called run',
  environment: 'it is called environ',
  'env-file': 'it is called env-files, a list',
  'depends-on': 'it is called after, and ready says when the others are there',
  healthcheck: 'it is called ready',
  'working-dir': 'it is called work-dir',
  workdir: 'it is called work-dir',
  user: 'it is called user-id, a number',
  ports: 'commands use the network of the host; ports of the test network are in the key network',
  'public-ports': 'ports of the test network are in the key network',
  'mem-limit': 'it is called memory-limit',
  cpus: 'it is called cpu-quota, in percent of one processor',
  'stop-grace-period': 'it is called kill-unresponsive-after, a key of the !Supervise command',
  profiles: 'tags of children choose with --only and --exclude',
  match: 'it is called pattern',
  packages: 'packages of the distribution are a step of setup: !Install [NAME]',
};

const TAGS: Readonly<Record<string, string>> = {
  GemSettings: 'GemConfig',
  Image: 'OciImage',
  Docker: 'OciImage',
  From: 'OciImage',
  Run: 'Sh',
  Apt: 'Install',
  Apk: 'Install',
  Pip: 'Py3Install',
  Npm: 'NpmInstall',
  Service: 'Command',
};

const spelt = (key: string): string => key.replaceAll('_', '-');

/** What the unknown key is called here, if something is known about it. */
export function keyHint(key: string): string | undefined {
  return Object.hasOwn(KEYS, spelt(key)) ? KEYS[spelt(key)] : undefined;
}

/** `tags`: those that are allowed at the place. */
export function tagHint(tag: string, tags: readonly string[]): string | undefined {
  const ours = Object.hasOwn(TAGS, tag) ? TAGS[tag] : undefined;
  return ours !== undefined && tags.includes(ours) ? `did you mean !${ours}?` : undefined;
}
