# bash completion of devenv. The candidates come from the program itself: commands, options, services.
_devenv() {
	local IFS=$'\n' line
	COMPREPLY=()
	for line in $(devenv __complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null); do
		line=${line%%$'\t'*}
		[[ $line == "${COMP_WORDS[COMP_CWORD]}"* ]] && COMPREPLY+=("$line")
	done
	[[ ${#COMPREPLY[@]} -gt 0 ]] || compopt -o default
}
complete -F _devenv devenv
