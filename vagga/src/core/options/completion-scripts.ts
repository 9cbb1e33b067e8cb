// Completion for three shells. Each only collects the words before the cursor; what fits is for `vagga _compgen` to say.
// Where nothing fits, the shell's own file names help with the arguments of commands.

const BASH = `# completion of vagga for bash
_vagga() {
    local line=\${COMP_LINE:0:COMP_POINT} words current word
    read -ra words <<< "$line"
    case $line in
        *[[:space:]]) current= ;;
        *) current=\${words[-1]}; unset "words[-1]" ;;
    esac
    COMPREPLY=()
    # What follows a colon or an equals sign is a word of its own for readline.
    local head=
    case $current in *[:=]*) head=\${current%\${current##*[:=]}} ;; esac
    while IFS= read -r word; do
        COMPREPLY+=("\${word#"$head"}")
    done < <(VAGGA_COMPLETE=1 "\${words[0]}" _compgen "\${words[@]:1}" -- "$current" 2>/dev/null)
}
complete -o bashdefault -o default -F _vagga vagga
`;

const ZSH = `#compdef vagga
# completion of vagga for zsh
_vagga() {
    local -a found
    local program=\${(Q)words[1]}
    found=("\${(@f)$(VAGGA_COMPLETE=1 $program _compgen "\${(@Q)words[2,CURRENT-1]}" -- "\${(Q)PREFIX}" 2>/dev/null)}")
    if [[ -n \${found[1]-} ]]; then
        compadd -- "\${found[@]}"
    else
        _files
    fi
}
if [[ \${funcstack[1]-} == _vagga ]]; then _vagga "$@"; else compdef _vagga vagga; fi
`;

const FISH = `# completion of vagga for fish
function __vagga_words
    set -l words (commandline -opc)
    set -l program $words[1]
    set -e words[1]
    set -lx VAGGA_COMPLETE 1
    $program _compgen $words -- (commandline -ct) 2>/dev/null
end
complete -c vagga -a '(__vagga_words)'
`;

export const SCRIPTS: Readonly<Record<string, string>> = { bash: BASH, zsh: ZSH, fish: FISH };
