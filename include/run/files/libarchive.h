/*
 * libarchive (3.3 or later), loaded on first use: every function of it that is called, as lib_NAME.
 * For the files of run that pack and unpack; everybody else uses their doors.
 */
#ifndef RUN_FILES_LIBARCHIVE_H
#define RUN_FILES_LIBARCHIVE_H

#include <archive.h>
#include <archive_entry.h>

#include "base/diag.h"

#define LIBARCHIVE_FUNCTIONS(X)                                                                    \
	X(archive_entry_clear)                                                                     \
	X(archive_entry_filetype)                                                                  \
	X(archive_entry_free)                                                                      \
	X(archive_entry_hardlink)                                                                  \
	X(archive_entry_new)                                                                       \
	X(archive_entry_pathname)                                                                  \
	X(archive_entry_perm)                                                                      \
	X(archive_entry_set_filetype)                                                              \
	X(archive_entry_set_gid)                                                                   \
	X(archive_entry_set_hardlink)                                                              \
	X(archive_entry_set_mtime)                                                                 \
	X(archive_entry_set_pathname)                                                              \
	X(archive_entry_set_perm)                                                                  \
	X(archive_entry_set_size)                                                                  \
	X(archive_entry_set_symlink)                                                               \
	X(archive_entry_set_uid)                                                                   \
	X(archive_entry_size)                                                                      \
	X(archive_entry_sparse_clear)                                                              \
	X(archive_entry_symlink)                                                                   \
	X(archive_entry_xattr_clear)                                                               \
	X(archive_error_string)                                                                    \
	X(archive_read_data)                                                                       \
	X(archive_read_data_block)                                                                 \
	X(archive_read_free)                                                                       \
	X(archive_read_new)                                                                        \
	X(archive_read_next_header)                                                                \
	X(archive_read_open)                                                                       \
	X(archive_read_open_filename)                                                              \
	X(archive_read_support_filter_all)                                                         \
	X(archive_read_support_filter_bzip2)                                                       \
	X(archive_read_support_filter_gzip)                                                        \
	X(archive_read_support_filter_xz)                                                          \
	X(archive_read_support_filter_zstd)                                                        \
	X(archive_read_support_format_empty)                                                       \
	X(archive_read_support_format_raw)                                                         \
	X(archive_read_support_format_tar)                                                         \
	X(archive_write_add_filter_gzip)                                                           \
	X(archive_write_add_filter_none)                                                           \
	X(archive_write_add_filter_zstd)                                                           \
	X(archive_write_close)                                                                     \
	X(archive_write_data)                                                                      \
	X(archive_write_free)                                                                      \
	X(archive_write_header)                                                                    \
	X(archive_write_new)                                                                       \
	X(archive_write_open)                                                                      \
	X(archive_write_open_filename)                                                             \
	X(archive_write_set_bytes_in_last_block)                                                   \
	X(archive_write_set_bytes_per_block)                                                       \
	X(archive_write_set_filter_option)                                                         \
	X(archive_write_set_format_pax_restricted)                                                 \
	X(archive_write_set_format_raw)

#define DECLARE(f) extern __typeof__(f) *lib_##f;
LIBARCHIVE_FUNCTIONS(DECLARE)
#undef DECLARE

/* Before any of them. -1 with an error that names the package to install. Not thread-safe. */
int libarchive_load(struct err *e);

#endif
