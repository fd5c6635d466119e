"""./cartwheel completion: a script for bash, made of what the commands' parsers know."""

HEAD = """\
# eval "$(./cartwheel completion)"
_cartwheel() {
    local words
    case "${COMP_WORDS[*]:1:COMP_CWORD-1} " in
"""
TAIL = """\
        "" | " ") words="%s" ;;
        *) words="" ;;
    esac
    COMPREPLY=($(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -F _cartwheel cartwheel ./cartwheel
"""


def script(parser):
    """Commands first, then their options and the words that they take."""
    branches = "".join(_branches((), parser))
    return HEAD + branches + TAIL % " ".join([*parser.commands, "--help", "--version"])


def _branches(path, parser):
    for name, command in parser.commands.items():
        yield from _branches((*path, name), command)
        words = " ".join([*command.commands, *command.words, *command.options])
        yield f"""        "{' '.join((*path, name))} "*) words="{words}" ;;\n"""
