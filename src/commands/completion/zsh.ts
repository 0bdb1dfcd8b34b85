import { shellQuote } from '../../base/shell-word.ts';
import { groupsOf, type CommandWord, type OptionWord } from './words.ts';

/** A completion function for zsh: a file `_dbadmin` in a directory of `fpath`. */
export function zshCompletion(commands: readonly CommandWord[]): string {
  const groups = groupsOf(commands);
  const named = (name: string): CommandWord | undefined => commands.find((command) => command.name === name);
  return `#compdef dbadmin
# zsh completion of dbadmin: put this into a directory of fpath as "_dbadmin".
_dbadmin() {
  local context state line curcontext="$curcontext"
  local -a commands
  if (( CURRENT == 2 )); then
    commands=(
${[...groups].map(([group, verbs]) => `      ${shellQuote(`${group}:${named(group)?.summary ?? verbs.map(({ name }) => name.split(' ')[1]).join(', ')}`)}`).join('\n')}
    )
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
${[...groups].map(([group, verbs]) => groupCase(group, verbs, named(group))).join('\n')}
  esac
}
_dbadmin "$@"
`;
}

function groupCase(group: string, verbs: readonly CommandWord[], alone: CommandWord | undefined): string {
  if (verbs.length === 0) return `    ${group})\n      _arguments ${(alone === undefined ? [] : specsOf(alone)).join(' ')} ;;`;
  return `    ${group})
      if (( CURRENT == 2 )); then
        commands=(
${verbs.map(({ name, summary }) => `          ${shellQuote(`${name.split(' ')[1]}:${summary}`)}`).join('\n')}
        )
        _describe command commands
        return
      fi
      local verb=$words[2]
      shift words
      (( CURRENT-- ))
      case $verb in
${verbs.map((verb) => `        ${verb.name.split(' ')[1]}) _arguments ${specsOf(verb).join(' ')} ;;`).join('\n')}
      esac ;;`;
}

function specsOf({ options, takesFiles }: CommandWord): readonly string[] {
  return [...options.map((option) => specOf(option)), ...(takesFiles ? ["'*:file:_files'"] : [])];
}

function specOf({ flag, summary, value }: OptionWord): string {
  const text = summary.replaceAll(/[[\]:\\]/g, String.raw`\$&`);
  const action =
    value === 'none'
      ? ''
      : value === 'file'
        ? ':file:_files'
        : value === 'directory'
          ? ':directory:_files -/'
          : value === 'other'
            ? ':value: '
            : `:value:(${value.join(' ')})`;
  return shellQuote(`${flag}[${text}]${action}`);
}
