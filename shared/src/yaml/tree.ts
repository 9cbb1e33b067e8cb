import {
  type Alias,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type ParsedNode,
  type Scalar,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import type { Diagnostic, DiagnosticParams, Position } from '../schema/diagnostic.ts';
import { YAML_LIMITS, type YamlLimits } from './limits.ts';
import { Lines } from './lines.ts';
import { type MergePart, mergeEntries } from './merge.ts';
import type { MappingEntry, NullNode, ScalarNode, YamlNode } from './node.ts';
import { readSyntax } from './syntax.ts';

/** `path` is as written in `from` (the file name given to `parseYaml` or returned by an earlier call). */
export type IncludeFile = (path: string, from: string) => { file: string; text: string } | { error: string };

export interface YamlOptions {
  /** Name used in positions. */
  readonly file: string;
  readonly limits?: Partial<YamlLimits>;
  /** Absent: `!*Include` is an error. */
  readonly include?: IncludeFile;
}

/** Shared by a file and everything it includes. */
interface Run {
  readonly limits: YamlLimits;
  readonly include: IncludeFile | undefined;
  readonly errors: Diagnostic[];
  nodes: number;
  includes: number;
  /** A limit was passed: unwind without further work or messages. */
  stopped: boolean;
  /** Stand-ins for values already complained about. */
  readonly broken: Set<YamlNode>;
}

interface Anchor {
  readonly node: YamlNode;
  /** Nodes inside, itself counted. */
  readonly nodes: number;
  /** Levels below it. */
  readonly height: number;
}

type Parsed = ParsedNode | null;

type Base = Position & { readonly file: string; readonly tag?: string; readonly tagAt?: Position };

/** What could be read of a file, and what could not. */
export interface PartialTree {
  readonly root: YamlNode;
  readonly errors: readonly Diagnostic[];
  /** Empty values in the tree that stand for refused ones: nothing more is to be said about them. */
  readonly broken: ReadonlySet<YamlNode>;
}

export function readTree(text: string, options: YamlOptions): PartialTree {
  const limits = { ...YAML_LIMITS, ...options.limits };
  const run: Run = {
    limits,
    include: options.include,
    errors: [],
    nodes: 0,
    includes: 0,
    stopped: false,
    broken: new Set(),
  };
  const reader = new FileReader(run, options.file, text, [options.file]);
  return { root: reader.read(0), errors: run.errors, broken: run.broken };
}

/** One file: the library's tree in document order → our nodes. Anchors are known from their end to the end of the file. */
class FileReader {
  private readonly lines: Lines;
  private readonly anchors = new Map<string, Anchor>();
  private deepest = 0;

  constructor(
    private readonly run: Run,
    private readonly file: string,
    private readonly text: string,
    /** This file and those that include it, outermost first. */
    private readonly chain: readonly string[],
  ) {
    this.lines = new Lines(text);
  }

  read(depth: number): YamlNode {
    const syntax = readSyntax(this.text, this.file, this.lines, this.run.limits);
    if ('errors' in syntax) {
      this.run.errors.push(...syntax.errors);
      return this.absent(0);
    }
    return this.single(this.node(syntax.root, depth, 0));
  }

  /** The deepest level that `read` met, counted like its `depth`. */
  get deepestLevel(): number {
    return this.deepest;
  }

  private node(parsed: Parsed, depth: number, emptyAt: number): YamlNode {
    if (this.run.stopped || !this.spend(1, depth, parsed?.range[0] ?? emptyAt)) return this.absent(emptyAt);
    if (parsed === null) return this.empty(emptyAt);
    if (isAlias(parsed)) return this.alias(parsed, depth);
    const first = isMap(parsed) ? leadingKey(parsed) : undefined;
    const anchor = parsed.anchor ?? first?.anchor;
    if (anchor === undefined) return this.plain(parsed, depth);
    const nodesBefore = this.run.nodes - 1;
    const deepestBefore = this.deepest;
    this.deepest = depth;
    const node = this.plain(parsed, depth);
    this.anchors.set(anchor, { node, nodes: this.run.nodes - nodesBefore, height: this.deepest - depth });
    this.deepest = Math.max(deepestBefore, this.deepest);
    return node;
  }

  /** Counts nodes and depth; false once a limit is passed. */
  private spend(nodes: number, depth: number, offset: number): boolean {
    if (this.run.stopped) return false;
    const { limits } = this.run;
    this.run.nodes += nodes;
    this.deepest = Math.max(this.deepest, depth);
    const tooMany = this.run.nodes > limits.nodes;
    if (!tooMany && depth <= limits.depth) return true;
    this.run.stopped = true;
    const what = tooMany
      ? `more than ${limits.nodes} values`
      : `collections nested deeper than ${limits.depth}`;
    this.fail('limit', `${what} once aliases are followed`, this.lines.at(offset), {
      limit: tooMany ? 'nodes' : 'depth',
    });
    return false;
  }

  private plain(parsed: Exclude<ParsedNode, Alias.Parsed>, depth: number): YamlNode {
    const base = this.base(parsed, isMap(parsed) ? leadingKey(parsed) : undefined);
    if (base.tag?.startsWith('*')) return this.directive(parsed, base, depth);
    if (isMap(parsed)) return { kind: 'mapping', ...base, entries: this.entries(parsed, depth) };
    if (isSeq(parsed)) return { kind: 'sequence', ...base, items: this.items(parsed, depth) };
    const text = String(parsed.value);
    if (parsed.type !== 'PLAIN') return scalar(base, text, true);
    if (text === '') return { kind: 'null', ...base, explicit: false };
    if (text === '~' || text === 'null') return { kind: 'null', ...base, explicit: true };
    return scalar(base, text, false);
  }

  private base(parsed: ParsedNode, first?: ParsedNode): Base {
    const [start, end] = parsed.range;
    const position = this.lines.place(this.file, start, end);
    const written = parsed.tag ?? first?.tag;
    if (written === undefined || written === '!') return position;
    const tagAt = this.tagPosition(
      written,
      first !== undefined && parsed.tag === undefined ? first.range[0] : start,
    );
    if (!/^![^!]/.test(written)) {
      this.fail('bad-tag', 'only tags of the form !Name are known', tagAt, { tag: written });
      return position;
    }
    return { ...position, tag: written.slice(1), tagAt };
  }

  /** The library keeps no position of a tag: it is the last such text before the value. */
  private tagPosition(written: string, valueStart: number): Position {
    const start = this.text.lastIndexOf(written, valueStart);
    return start < 0 ? this.lines.at(valueStart) : this.lines.span(start, start + written.length);
  }

  private alias(parsed: Alias.Parsed, depth: number): YamlNode {
    const [start, end] = parsed.range;
    const anchor = this.anchors.get(parsed.source);
    if (anchor === undefined) {
      const message = `no anchor &${parsed.source} before this alias`;
      this.fail('unknown-alias', message, this.lines.span(start, end), { alias: parsed.source });
      return this.absent(start);
    }
    return this.spend(anchor.nodes - 1, depth + anchor.height, start) ? anchor.node : this.absent(start);
  }

  private entries(map: YAMLMap.Parsed, depth: number): MappingEntry[] {
    const own: MappingEntry[] = [];
    const merges: MergePart[] = [];
    const seen = new Set<string>();
    let leading = leadingKey(map);
    for (const pair of map.items) {
      const key = this.key(pair.key, depth + 1, map.range[0], leading);
      const value = this.single(this.node(pair.value, depth + 1, pair.key?.range[1] ?? map.range[0]));
      leading = undefined;
      if (key === undefined) continue;
      const isMerge = key.text === '<<' && !key.quoted;
      if (isMerge ? merges.length > 0 : seen.has(key.text))
        this.fail('duplicate-key', `key ${JSON.stringify(key.text)} is given twice`, key, { key: key.text });
      else if (isMerge) merges.push({ at: key, value });
      else {
        own.push({ key, value });
        seen.add(key.text);
      }
    }
    return merges.length === 0 ? own : this.merged(own, merges);
  }

  private merged(own: MappingEntry[], merges: readonly MergePart[]): MappingEntry[] {
    const { entries, wrong } = mergeEntries(own, merges);
    for (const at of wrong.filter(node => !this.run.broken.has(node)))
      this.fail('merge', 'only a mapping or a list of mappings can be merged with <<', at);
    return entries;
  }

  /** `leading`: this key's tag and anchor are the mapping's. */
  private key(
    parsed: Parsed,
    depth: number,
    emptyAt: number,
    leading: ParsedNode | undefined,
  ): ScalarNode | undefined {
    const isText = parsed !== null && isScalar(parsed) && (parsed.type !== 'PLAIN' || parsed.value !== '');
    const node = isText ? this.textKey(parsed, depth, leading === parsed) : this.node(parsed, depth, emptyAt);
    if (node.kind === 'scalar') return node;
    if (!this.run.broken.has(node)) this.fail('bad-key', 'a key must be a word or a quoted text', node);
    return undefined;
  }

  /** `~` and `null` are fine names for keys. */
  private textKey(parsed: Scalar.Parsed, depth: number, isLeading: boolean): YamlNode {
    const [start, end] = parsed.range;
    if (!this.spend(1, depth, start)) return this.absent(start);
    const place = this.lines.place(this.file, start, end);
    const node = scalar(place, String(parsed.value), parsed.type !== 'PLAIN');
    // Of a leading key the mapping takes the anchor over when it is complete, unless it has one of its own.
    if (parsed.anchor !== undefined) this.anchors.set(parsed.anchor, { node, nodes: 1, height: 0 });
    if (isLeading) return node;
    if (parsed.tag !== undefined && parsed.tag !== '!') {
      const tagAt = this.tagPosition(parsed.tag, start);
      this.fail('bad-tag', `the tag ${parsed.tag} stands before a key: tags belong to values`, tagAt, {
        tag: parsed.tag,
      });
    }
    return node;
  }

  private items(seq: YAMLSeq.Parsed, depth: number): YamlNode[] {
    const items: YamlNode[] = [];
    for (const item of seq.items) {
      const node = this.node(item as Parsed, depth + 1, seq.range[0]);
      if (node.kind !== 'sequence' || node.tag !== '*Unpack') items.push(node);
      else for (const inner of node.items) for (const one of this.unpacked(inner)) items.push(one);
    }
    return items;
  }

  /** Anywhere but in a list there is nothing to splice into. */
  private single(node: YamlNode): YamlNode {
    if (node.tag !== '*Unpack') return node;
    this.fail('unpack', '!*Unpack works only on an item of a list', node.tagAt ?? node, { tag: node.tag });
    const { file, line, column } = node;
    return this.mark({ kind: 'null', explicit: false, file, line, column });
  }

  private unpacked(inner: YamlNode): readonly YamlNode[] {
    if (inner.kind === 'sequence') return inner.items;
    if (!this.run.broken.has(inner)) this.fail('unpack', '!*Unpack takes a list of lists', inner);
    return [];
  }

  /** `!*Include file` and `!*Unpack [...]`; the other starred tags of the dialect were never allowed. */
  private directive(parsed: ParsedNode, base: Base, depth: number): YamlNode {
    const { tag = '', tagAt = base, ...position } = base;
    if (tag === '*Unpack' && isSeq(parsed))
      return { kind: 'sequence', ...base, items: this.items(parsed, depth) };
    if (tag === '*Include' && isScalar(parsed)) return this.include(String(parsed.value), position, depth);
    const messages: Record<string, string> = {
      '*Include': '!*Include takes the name of a file',
      '*Unpack': '!*Unpack takes a list of lists, as an item of a list',
    };
    const code = tag === '*Unpack' ? 'unpack' : tag.startsWith('*Include') ? 'include' : 'bad-tag';
    this.fail(code, messages[tag] ?? `the tag !${tag} is not available`, tagAt, { tag });
    return this.absent(parsed.range[0]);
  }

  private include(path: string, position: Position & { file: string }, depth: number): YamlNode {
    const refuse = (message: string): YamlNode => {
      this.fail('include', message, position, { path });
      return this.mark({ kind: 'null', explicit: false, ...position });
    };
    const { include, limits } = this.run;
    if (include === undefined) return refuse('includes are not allowed in this file');
    if (!isPlainPath(path))
      return refuse('an included file is named without a leading / or ./ and without ..');
    if (++this.run.includes > limits.includes)
      return refuse(`more than ${limits.includes} files are included`);
    const found = include(path, this.file);
    if ('error' in found) return refuse(`cannot include ${path}: ${found.error}`);
    if (this.chain.includes(found.file))
      return refuse(`${path} includes itself: ${[...this.chain, found.file].join(' → ')}`);
    const reader = new FileReader(this.run, found.file, found.text, [...this.chain, found.file]);
    const node = reader.read(depth);
    this.deepest = Math.max(this.deepest, reader.deepestLevel);
    return node;
  }

  private empty(offset: number): NullNode {
    return { kind: 'null', explicit: false, file: this.file, ...this.lines.at(offset) };
  }

  /** In place of a value that was refused. */
  private absent(offset: number): NullNode {
    return this.mark(this.empty(offset));
  }

  private mark(node: NullNode): NullNode {
    this.run.broken.add(node);
    return node;
  }

  private fail(
    code: string,
    message: string,
    at: Position & { file?: string },
    params: DiagnosticParams = {},
  ): void {
    const { line, column, endColumn } = at;
    const end = endColumn === undefined ? {} : { endColumn };
    const file = at.file ?? this.file;
    this.run.errors.push({ code, severity: 'error', message, file, line, column, ...end, params });
  }
}

/** Most nodes by far are scalars on one line without a tag; spread over other properties takes ten times as long as naming each. */
function scalar(base: Base, text: string, quoted: boolean): ScalarNode {
  const { file, line, column, endColumn, tag } = base;
  if (endColumn === undefined || tag !== undefined) return { kind: 'scalar', ...base, text, quoted };
  return { kind: 'scalar', file, line, column, endColumn, text, quoted };
}

/** The library gives a tag or anchor before a block mapping's first key to that key; in this dialect both are the mapping's. */
function leadingKey(map: YAMLMap.Parsed): ParsedNode | undefined {
  const key = map.items[0]?.key;
  return map.flow || key === null || key === undefined || isAlias(key) || map.tag !== undefined
    ? undefined
    : key;
}

function isPlainPath(path: string): boolean {
  return path.split('/').every(part => part !== '' && part !== '.' && part !== '..');
}
