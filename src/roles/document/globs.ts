/** Whether `name` as a whole matches one of `globs`: `*` any run, `?` one character, `\` takes the next one literally. */
export function matchesAny(name: string, globs: readonly string[]): boolean {
  return globs.some((glob) => globExpression(glob).test(name));
}

const expressions = new Map<string, RegExp>();

function globExpression(glob: string): RegExp {
  const known = expressions.get(glob);
  if (known !== undefined) return known;
  const source = glob.replaceAll(/\\([\s\S])|([\s\S])/gu, (_whole, escaped: string | undefined, plain: string | undefined) => {
    if (escaped !== undefined) return literally(escaped);
    return plain === '*' ? '[\\s\\S]*' : plain === '?' ? '[\\s\\S]' : literally(plain ?? '');
  });
  const made = new RegExp(`^(?:${source})$`, 'u');
  expressions.set(glob, made);
  return made;
}

function literally(character: string): string {
  return character.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}
