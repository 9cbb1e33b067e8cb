import { type Defer, machine, type Report } from './harness.ts';

// What is no time: states that are reached once and looked at, e.g. memory. One row per contender, one column per question.

export interface Column {
  readonly title: string;
  readonly unit: 'MB' | '%';
  /** What ours must not exceed. */
  readonly bar?: number;
}

export interface Row {
  readonly name: string;
  readonly role: Report['figures'][number]['role'];
  /** In the order of the columns; undefined: there is no such thing here. */
  readonly values: readonly (number | undefined)[];
}

export interface Survey {
  readonly name: string;
  readonly summary: string;
  readonly columns: readonly Column[];
  look(
    defer: Defer,
    signal: AbortSignal | undefined,
  ): Promise<{ rows: readonly Row[]; notes: readonly string[] }>;
}

export interface SurveyReport {
  readonly bench: string;
  readonly summary: string;
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
  readonly notes: readonly string[];
  readonly machine: Report['machine'];
}

/** Cleans up also when a contender fails or `signal` stops it. */
export async function runSurvey(survey: Survey, signal?: AbortSignal): Promise<SurveyReport> {
  const undo: Parameters<Defer>[0][] = [];
  try {
    const { rows, notes } = await survey.look(step => undo.push(step), signal);
    const { name, summary, columns } = survey;
    return { bench: name, summary, columns, rows, notes, machine: machine() };
  } finally {
    for (const step of undo.reverse()) await step();
  }
}
