# fish completion of devenv. The candidates come from the program itself: commands, options, services.
function __devenv_candidates
	set -l words (commandline -opc) (commandline -ct)
	devenv __complete -- $words[2..-1] 2>/dev/null
end
complete -c devenv -f -a '(__devenv_candidates)'
