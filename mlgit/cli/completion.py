"""`mlgit completion`: the script by which a shell completes command lines of mlgit."""

from __future__ import annotations

import click

from mlgit import errors

_BASH = r"""# bash completion of mlgit: eval "$(mlgit completion bash)"
_mlgit_completion() {
    local line
    COMPREPLY=()
    while IFS= read -r line; do
        COMPREPLY+=("$line")
    done < <(_MLGIT_COMPLETE=bash COMP_LINE="$COMP_LINE" COMP_POINT="$COMP_POINT" COMP_WORDBREAKS="$COMP_WORDBREAKS" \
        "${1/#\~/$HOME}" 2>/dev/null)
}
complete -o nospace -F _mlgit_completion mlgit
"""
_ZSH = r"""#compdef mlgit
# zsh completion of mlgit: eval "$(mlgit completion zsh)" after compinit, or as the file _mlgit in a folder of $fpath
_mlgit() {
    local line word program=${(Q)words[1]} tab=$'\t'
    program=${program/#\~\//$HOME/}
    local -a plain open told shown
    local -i none=1
    for line in "${(@f)$(_MLGIT_COMPLETE=zsh "$program" "${(@Q)words[1,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}"; do
        word=${line%%$tab*}
        if [[ -z $word ]]; then
            continue
        elif [[ $word == *[/=] ]]; then
            open+=("$word")
        elif [[ $line == *$tab* ]]; then
            told+=("$word") shown+=("${(r:20:)word} -- ${line#*$tab}")
        else
            plain+=("$word")
        fi
    done
    (( $#told )) && compadd -l -d shown -- "${told[@]}" && none=0
    (( $#plain )) && compadd -- "${plain[@]}" && none=0
    (( $#open )) && compadd -S '' -- "${open[@]}" && none=0
    return none
}
if [[ $funcstack[1] == _mlgit ]]; then
    _mlgit "$@"
else
    compdef _mlgit mlgit
fi
"""
_FISH = r"""# fish completion of mlgit: mlgit completion fish | source
function __mlgit_complete
    set -l words (commandline -opc)
    set -l begun (commandline -ct | string unescape)
    set -l program (string replace -r "^~/" "$HOME/" -- $words[1])
    _MLGIT_COMPLETE=fish $program $words "$begun" 2>/dev/null
end
complete -c mlgit -f -a '(__mlgit_complete)'
"""
SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


@click.command(
    epilog='Examples: `eval "$(mlgit completion bash)"` in ~/.bashrc, '
    "`mlgit completion fish > ~/.config/fish/completions/mlgit.fish`.",
    short_help="Print the script that completes command lines.",
)
@click.argument("shell", type=click.Choice(list(SCRIPTS)))
def command(shell: str) -> int:
    """Print the script by which SHELL completes commands, options, stages, models, versions, environments and files."""
    click.echo(SCRIPTS[shell], nl=False)
    return errors.EXIT_YES
