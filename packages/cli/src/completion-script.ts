import type { Command } from 'commander';

/** Shells that a completion script can be written for. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const;

/** A shell with a completion script. */
export type ShellName = (typeof SHELLS)[number];

/** What can follow a command: its path (`issue add`), its subcommands, its options. */
type Place = { readonly path: string; readonly commands: readonly Command[]; readonly options: readonly string[] };

function placesOf(command: Command, path: readonly string[], inherited: readonly string[]): readonly Place[] {
  const own = command.options.flatMap(({ long }) => (long ? [long] : []));
  const options = [...own, ...inherited, '--help'];
  const place = { path: path.join(' '), commands: command.commands, options: [...new Set(options)] };
  const shared = path.length === 0 ? own.filter((option) => option !== '--version') : inherited;
  return [place, ...command.commands.flatMap((child) => placesOf(child, [...path, child.name()], shared))];
}

const wordsOf = ({ commands, options }: Place) => [...commands.map((command) => command.name()), ...options].join(' ');

function bash(places: readonly Place[]): string {
  const cases = places.map((place) => `    '${place.path}') words='${wordsOf(place)}' ;;`).join('\n');
  const groups = places.filter(({ path, commands }) => path !== '' && commands.length > 0).map(({ path }) => path);
  return `# rampart completion for bash: source <(rampart completion bash)
_rampart() {
  local current="\${COMP_WORDS[COMP_CWORD]}" path='' words='' word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    [[ $word == -* ]] && continue
    if [[ -z $path ]]; then path=$word
    elif [[ ' ${groups.join(' ')} ' == *" $path "* ]]; then path="$path $word"; fi
  done
  case "$path" in
${cases}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  [[ \${#COMPREPLY[@]} -eq 0 && $current != -* ]] && COMPREPLY=($(compgen -f -- "$current"))
}
complete -o filenames -F _rampart rampart
`;
}

function fish(places: readonly Place[]): string {
  const quote = (text: string) => `'${text.replaceAll(/['\\]/g, String.raw`\$&`)}'`;
  const lines = places.flatMap(({ path, commands, options }) => {
    const names = commands.map((command) => command.name()).join(' ');
    const seen =
      path === ''
        ? '__fish_use_subcommand'
        : path
            .split(' ')
            .map((word) => `__fish_seen_subcommand_from ${word}`)
            .join('; and ');
    const when = names === '' || path === '' ? seen : `${seen}; and not __fish_seen_subcommand_from ${names}`;
    return [
      ...commands.map(
        (command) =>
          `complete -c rampart -n ${quote(when)} -f -a ${command.name()} -d ${quote(command.summary() || command.description())}`,
      ),
      ...options.map((option) => `complete -c rampart -n ${quote(when)} -l ${option.slice(2)}`),
    ];
  });
  return `# rampart completion for fish: rampart completion fish | source\n${lines.join('\n')}\n`;
}

function zsh(places: readonly Place[]): string {
  return `#compdef rampart
# rampart completion for zsh: source <(rampart completion zsh)
autoload -U +X bashcompinit && bashcompinit
${bash(places)}`;
}

/** Script that completes commands and options of a program in a shell, made from the program itself. */
export function completionScript(program: Command, shell: ShellName): string {
  const places = placesOf(program, [], []);
  if (shell === 'fish') return fish(places);
  return shell === 'zsh' ? zsh(places) : bash(places);
}
