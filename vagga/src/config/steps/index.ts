// The value of every build step: the 47 of the format and our own. Here they are only understood; how they are built is in
// core/steps/index.ts, what counts for identities in core/image/step-hash.ts.
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
