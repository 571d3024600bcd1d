#compdef devenv
# zsh completion of devenv. The candidates come from the program itself: commands, options, services.
_devenv() {
	local -a found
	local line
	while IFS= read -r line; do
		found+=("${${line%%$'\t'*}//:/\\:}${${(M)line:#*$'\t'*}:+:${line#*$'\t'}}")
	done < <(devenv __complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)
	if (( $#found )); then
		_describe devenv found
	else
		_files
	fi
}
compdef _devenv devenv
