/*
 * The memory of a query and small questions about its tree.
 */
#include "query/tree.h"

#include <stdalign.h>
#include <stdlib.h>

#include "base/mem.h"

#define CHUNK_BYTES ((size_t)4096)

struct query_chunk {
    struct query_chunk *next;
    size_t used;
    size_t room;
    alignas(max_align_t) char bytes[];
};

void *query_arena_alloc(struct query_arena *arena, size_t size)
{
    size = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    struct query_chunk *chunk = arena->chunks;
    if (chunk == NULL || chunk->room - chunk->used < size) {
        size_t room = size > CHUNK_BYTES ? size : CHUNK_BYTES;
        chunk = mem_alloc(sizeof(*chunk) + room);
        chunk->room = room;
        chunk->next = arena->chunks;
        arena->chunks = chunk;
    }
    void *piece = chunk->bytes + chunk->used;
    chunk->used += size;
    return piece;
}

void query_arena_finish(struct query_arena *arena)
{
    while (arena->chunks != NULL) {
        struct query_chunk *next = arena->chunks->next;
        free(arena->chunks);
        arena->chunks = next;
    }
}

bool query_path_equal(const struct query_path *a, const struct query_path *b)
{
    if (a->root != b->root || a->n_names != b->n_names) {
        return false;
    }
    for (size_t i = 0; i < a->n_names; i++) {
        if (!slice_equal(a->names[i], b->names[i])) {
            return false;
        }
    }
    return true;
}

static enum query_level constant_level(const struct query_value *constant)
{
    bool is_signed = constant->type == QUERY_NUMBER && constant->number < 0;
    return is_signed ? LEVEL_SIGN : LEVEL_PRIMARY;
}

enum query_level query_node_level(const struct query_node *node)
{
    switch (node->kind) {
    case NODE_CONSTANT:
        return constant_level(&node->constant);
    case NODE_ATTRIBUTE:
    case NODE_CALL:
        return LEVEL_PRIMARY;
    case NODE_SIGN:
        return LEVEL_SIGN;
    case NODE_PRODUCT:
        return LEVEL_PRODUCT;
    case NODE_SUM:
        return LEVEL_SUM;
    case NODE_COMPARE:
    case NODE_IN:
        return LEVEL_COMPARE;
    case NODE_NOT:
        return LEVEL_NOT;
    case NODE_AND:
        return LEVEL_AND;
    case NODE_OR:
        return LEVEL_OR;
    }
    return LEVEL_PRIMARY;
}
