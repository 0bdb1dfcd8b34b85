import { expect, test } from 'vitest';
import { parseQuestion } from '../../../src/roles/access/question.ts';

test.each([
  ['core.play', ['core', 'play']],
  ['Core.Play', ['core', 'play']],
  ['Core."Play"', ['core', 'Play']],
  ['CORE.Östlich', ['core', 'Östlich']],
])('a question about %s takes its names as SQL does', (text, parts) => {
  expect(parseQuestion('select', text).parts).toEqual(parts);
});
