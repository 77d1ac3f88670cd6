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
# zsh completion of mlgit: eval "$(mlgit completion zsh)" after compinit
_mlgit() {
    local -a found open
    found=("${(@f)$(_MLGIT_COMPLETE=zsh "${words[1]}" "${(@Q)words[1,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}")
    found=(${found:#})
    open=(${(M)found:#*[/=]})
    found=(${found:#*[/=]})
    compadd -- "${found[@]}"
    compadd -S '' -- "${open[@]}"
}
compdef _mlgit mlgit
"""
_FISH = r"""# fish completion of mlgit: mlgit completion fish | source
function __mlgit_complete
    set -l words (commandline -opc)
    set -l begun (commandline -ct | string unescape)
    _MLGIT_COMPLETE=fish $words[1] $words "$begun" 2>/dev/null
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
