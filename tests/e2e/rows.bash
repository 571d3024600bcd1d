# What the tests about data say to a service that keeps one row, and ask of it. Loaded after lib.

say() {
	ok devenv exec db -- sh -c "echo $1 >/d/row"
}

row() {
	devenv exec db -- cat /d/row
}

snapshots() {
	devenv snapshot ls --json | jq -r '.[].name'
}
