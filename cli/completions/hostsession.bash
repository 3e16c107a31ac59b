# SPDX-License-Identifier: MIT
# Completion of hostsession for bash.

# What follows "env:" or "file:", where ":" breaks words.
_hostsession_source() {
    case $1 in
    env) COMPREPLY=($(compgen -A variable -- "$2")) ;;
    file | exec) COMPREPLY=($(compgen -f -- "$2")) ;;
    esac
}

_hostsession_run() {
    local word=$1 previous=$2
    case $previous in
    -f | -i | -F | --session-log)
        COMPREPLY=($(compgen -f -- "$word"))
        return
        ;;
    --cwd)
        COMPREPLY=($(compgen -d -- "$word"))
        return
        ;;
    --shell)
        COMPREPLY=($(compgen -c -- "$word"))
        return
        ;;
    --mode)
        COMPREPLY=($(compgen -W 'tty pipe' -- "$word"))
        return
        ;;
    --env)
        COMPREPLY=($(compgen -A variable -S = -- "$word"))
        compopt -o nospace
        return
        ;;
    --reply-from)
        COMPREPLY=($(compgen -W 'env: file:' -- "$word"))
        compopt -o nospace
        return
        ;;
    --password-from)
        COMPREPLY=($(compgen -W 'env: file: ask' -- "$word"))
        compopt -o nospace
        return
        ;;
    -t | --timeout | --budget | --connect-timeout | --recovery-timeout | --max-output | --max-answers | --pace | --name-prompt | --password-prompt | --expect | --reply | --prompt | --pager | --error | --status-command | --status | -o)
        return
        ;;
    esac

    if [[ $word == -* ]]; then
        COMPREPLY=($(compgen -W '-f -0 -k --keep-going -t --timeout --budget --connect-timeout --recovery-timeout --mode
            --shell --expect --reply --reply-from --max-answers --prompt --pager --error --status-command --status --no-probe --password-from --name-prompt --password-prompt --pace -i -F -o --env --cwd --max-output --json --session-log -q -v -h --help' -- "$word"))
    else
        COMPREPLY=($(compgen -W 'local exec:' -- "$word"))
        [[ ${COMPREPLY[*]} == exec: ]] && compopt -o nospace
    fi
}

_hostsession() {
    local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    COMPREPLY=()
    if [[ $word == : ]]; then
        _hostsession_source "$previous" ''
    elif [[ $previous == : ]]; then
        _hostsession_source "${COMP_WORDS[COMP_CWORD - 2]}" "$word"
    elif ((COMP_CWORD == 1)); then
        COMPREPLY=($(compgen -W 'run help --help --version' -- "$word"))
    elif [[ ${COMP_WORDS[1]} == help ]]; then
        COMPREPLY=($(compgen -W run -- "$word"))
    elif [[ ${COMP_WORDS[1]} == run ]]; then
        _hostsession_run "$word" "$previous"
    fi
}

complete -F _hostsession hostsession
