import { groupsOf, type CommandWord } from './words.ts';

/** A completion script for bash 3.2 and later, which needs nothing beside. */
export function bashCompletion(commands: readonly CommandWord[]): string {
  const groups = groupsOf(commands);
  const verbs = [...groups].filter(([, each]) => each.length > 0);
  return `# bash completion of dbadmin: source this, or put it into the directory of bash-completion as "dbadmin".
_dbadmin() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} group= verb= word skip=
  local -i index
  for (( index = 1; index < COMP_CWORD; index++ )); do
    word=\${COMP_WORDS[index]}
    if [[ -n $skip ]]; then skip=; continue; fi
    case $word in
      ${valueFlags(commands)}) skip=1 ;;
      -*) ;;
      *) if [[ -z $group ]]; then group=$word; elif [[ -z $verb ]]; then verb=$word; fi ;;
    esac
  done
  local command=$group verbs=
  case $group in
${verbs.map(([group, each]) => `    ${group}) verbs="${each.map(({ name }) => name.split(' ')[1]).join(' ')}" ;;`).join('\n')}
  esac
  [[ -n $verbs && " $verbs " == *" $verb "* && -n $verb ]] && command="$group $verb"
  case "$command $previous" in
${valueCases(commands)}
  esac
  COMPREPLY=()
  if [[ $current == -* ]]; then
    case $command in
${commands.map(({ name, options }) => `      "${name}") COMPREPLY=( $(compgen -W "${options.map(({ flag }) => flag).join(' ')}" -- "$current") ) ;;`).join('\n')}
      *) COMPREPLY=( $(compgen -W "${commonFlags(commands).join(' ')} --help --version" -- "$current") ) ;;
    esac
  elif [[ -z $group ]]; then
    COMPREPLY=( $(compgen -W "${[...groups.keys(), 'help'].join(' ')}" -- "$current") )
  elif [[ -n $verbs && -z $verb ]]; then
    COMPREPLY=( $(compgen -W "$verbs" -- "$current") )
  else
    case $command in
      ${filesCases(commands)}) COMPREPLY=( $(compgen -f -- "$current") ) ;;
    esac
  fi
}
complete -o filenames -F _dbadmin dbadmin
`;
}

/** Options with a value: the word after them is no command. */
function valueFlags(commands: readonly CommandWord[]): string {
  const flags = commands.flatMap(({ options }) => options.filter(({ value }) => value !== 'none').map(({ flag }) => flag));
  return [...new Set(flags)].sort().join('|');
}

function valueCases(commands: readonly CommandWord[]): string {
  const byReply = new Map<string, Set<string>>();
  for (const { name, options } of commands) {
    for (const { flag, value } of options) {
      if (value === 'none') continue;
      const reply =
        value === 'file'
          ? 'compgen -f -- "$current"'
          : value === 'directory'
            ? 'compgen -d -- "$current"'
            : value === 'other'
              ? ''
              : `compgen -W "${value.join(' ')}" -- "$current"`;
      byReply.set(reply, new Set([...(byReply.get(reply) ?? []), `"${name} ${flag}"`]));
    }
  }
  return [...byReply]
    .map(([reply, cases]) => `    ${[...cases].join('|')}) COMPREPLY=(${reply === '' ? '' : ` $(${reply}) `}); return ;;`)
    .join('\n');
}

function commonFlags(commands: readonly CommandWord[]): readonly string[] {
  const [first, ...others] = commands.map(({ options }) => options.map(({ flag }) => flag));
  return (first ?? []).filter((flag) => others.every((flags) => flags.includes(flag)));
}

function filesCases(commands: readonly CommandWord[]): string {
  return commands
    .filter(({ takesFiles }) => takesFiles)
    .map(({ name }) => `"${name}"`)
    .join('|');
}
