import { groupsOf, type CommandWord, type OptionWord } from './words.ts';

/** Completions for fish: a file `dbadmin.fish` in `~/.config/fish/completions`. */
export function fishCompletion(commands: readonly CommandWord[]): string {
  const groups = groupsOf(commands);
  const lines = [...groups].flatMap(([group, verbs]) => {
    const alone = commands.find(({ name }) => name === group);
    const first = `complete -c dbadmin -f -n __fish_use_subcommand -a ${group} -d ${quote(alone?.summary ?? verbs.map(({ name }) => name.split(' ')[1]).join(', '))}`;
    const names = verbs.map(({ name }) => name.split(' ')[1] ?? '');
    const noVerb = `__fish_seen_subcommand_from ${group}; and not __fish_seen_subcommand_from ${names.join(' ')}`;
    return [
      first,
      ...verbs.map(({ name, summary }) => `complete -c dbadmin -f -n ${quote(noVerb)} -a ${name.split(' ')[1]} -d ${quote(summary)}`),
      ...(alone === undefined ? [] : optionLines(`__fish_seen_subcommand_from ${group}`, alone)),
      ...verbs.flatMap((verb) =>
        optionLines(`__fish_seen_subcommand_from ${group}; and __fish_seen_subcommand_from ${verb.name.split(' ')[1]}`, verb),
      ),
    ];
  });
  return `# fish completion of dbadmin: put this into ~/.config/fish/completions as "dbadmin.fish".\ncomplete -c dbadmin -e\n${lines.join('\n')}\n`;
}

function optionLines(condition: string, { options }: CommandWord): readonly string[] {
  return options.map(
    (option) => `complete -c dbadmin -n ${quote(condition)} -l ${option.flag.slice(2)} -d ${quote(option.summary)}${valueOf(option)}`,
  );
}

function valueOf({ value }: OptionWord): string {
  if (value === 'none') return '';
  if (value === 'file') return ' -r -F';
  if (value === 'directory') return " -x -a '(__fish_complete_directories)'";
  return value === 'other' ? ' -x' : ` -x -a ${quote(value.join(' '))}`;
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", String.raw`\'`)}'`;
}
