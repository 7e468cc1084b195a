/*
 * Which twins may have a value at a path of their tags.
 *
 * The first question about a path makes its index, by one walk along all tags; from then on
 * every write of tags adds to it, in memory, and nothing is ever taken out.  So the answers are
 * candidates: one of them may have another value by now, or be gone, or be undone, but a twin
 * that has the value is always among them.  Only scalars are known, by a hash.  An index that
 * holds much that is no longer true is dropped and made anew when it is wanted.
 */
#ifndef STORE_TAGS_H
#define STORE_TAGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "base/slice.h"
#include "store/store.h"

/* A value at a path; the names are borrowed for the call. */
struct store_tag {
    const struct slice *names;
    size_t n_names; /* at least one */
    uint64_t hash;  /* of the value */
};

uint64_t store_tag_hash_text(struct slice text);
uint64_t store_tag_hash_number(double number);
uint64_t store_tag_hash_bool(bool truth);
uint64_t store_tag_hash_null(void);

/*
 * Begin a question.  The indexes that it counts in all stay until the next one or the next
 * write: one that has no room beside them is not made.  Without `may_make` none is made at all.
 */
void store_tags_ask(struct store *store, bool may_make);

/**
 * How many candidates there are, and how many twins have a value there at all.
 * @return 0; STORE_NO_ROW when the path has no index, as the question may not make it, there is
 *         no room for it or a mark is open; a negative errno.
 */
MUST_CHECK int store_tags_count(struct store *store, const struct store_tag *tag, size_t *out,
                                size_t *out_of);

/*
 * The seqs of the first candidates behind `after_seq`, ascending, at most `max`; how many they
 * are.  None without an index: it is there after store_tags_count() answered 0, until the next
 * question or the next write.
 */
size_t store_tags_find(struct store *store, const struct store_tag *tag, int64_t after_seq,
                       int64_t *out, size_t max);

#endif
