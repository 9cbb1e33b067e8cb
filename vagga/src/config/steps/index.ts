// The value of every build step: the 47 of the format and our own. Here they are only understood, so that configs list and hash
// whatever this version builds; which steps can be built is another table, core/steps/index.ts.
import { s } from '@suite/shared/schema/index.ts';
import { described } from '../described.ts';
import { DESCRIPTIONS } from './descriptions.ts';
import { distributionSteps } from './distributions.ts';
import { fileSteps } from './files.ts';
import { languageSteps } from './languages.ts';
import { shellSteps } from './shell.ts';
import { sourceSteps } from './sources.ts';

export const STEPS = described(
  { ...distributionSteps, ...shellSteps, ...fileSteps, ...sourceSteps, ...languageSteps },
  DESCRIPTIONS,
);

export const stepSchema = s.tagged(STEPS);
