import type { CommandSpec } from '../command.ts';

export const COMPLETION_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'completion',
    summary: 'completion of commands, options and values for bash, zsh or fish',
    description: `Prints a script for the shell. It knows the commands of this version: print it again after an update.

$ source <(dbadmin completion bash)
$ dbadmin completion bash > /etc/bash_completion.d/dbadmin
$ dbadmin completion zsh > "\${fpath[1]}/_dbadmin"
$ dbadmin completion fish > ~/.config/fish/completions/dbadmin.fish`,
    args: [{ form: '<shell>', summary: 'bash, zsh or fish' }],
    json: ['shell: its name', 'script: the text'],
    load: async () => await import('./completion.ts'),
  },
];
