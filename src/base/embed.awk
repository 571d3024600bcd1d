# Reads `0|1 templates/PATH` lines in byte order of the path and writes an assembly source of pure
# data: the bytes of each file (a NUL behind them that is not counted in size) and the table that
# include/base/embed.h declares.
BEGIN {
	print "/* Made from templates/ by src/base/embed.awk. */"
	print "#define JOIN2(a, b) a##b"
	print "#define JOIN(a, b) JOIN2(a, b)"
	print "#define SYM(name) JOIN(__USER_LABEL_PREFIX__, name)"
	print "#if __SIZEOF_POINTER__ == 8"
	print "#define WORD .quad"
	print "#define ALIGN .balign 8"
	print "#else"
	print "#define WORD .long"
	print "#define ALIGN .balign 4"
	print "#endif"
	print "#ifdef __APPLE__"
	print "\t.section __DATA,__const"
	print "#else"
	print "\t.section .note.GNU-stack,\"\",%progbits"
	print "\t.section .data.rel.ro,\"aw\""
	print "#endif"
}
{
	executable[NR] = $1
	file[NR] = substr($0, 3)
	printf "data%d:\n\t.incbin \"%s\"\nend%d:\n\t.byte 0\n", NR, file[NR], NR
	printf "path%d:\n\t.asciz \"%s\"\n", NR, substr(file[NR], length("templates/") + 1)
}
END {
	print "\t.globl SYM(embedded_files)\n\tALIGN\nSYM(embedded_files):"
	for (i = 1; i <= NR; i++) {
		printf "\tWORD path%d, data%d, end%d - data%d\n", i, i, i, i
		printf "\t.byte %d\n\tALIGN\n", executable[i]
	}
	printf "\t.globl SYM(embedded_count)\n\tALIGN\nSYM(embedded_count):\n\tWORD %d\n", NR
}
