/*
 * What a configuration wants of twins, read from its document: values at dotted paths below
 * "properties.desired", for the one twin it targets or for an edge device's modules by name.
 */
#ifndef HUB_CONFIGURATION_CONTENT_H
#define HUB_CONFIGURATION_CONTENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/macros.h"
#include "base/slice.h"

enum configuration_kind {
    CONFIGURATION_DEVICE, /* deviceContent */
    CONFIGURATION_MODULE, /* moduleContent */
    CONFIGURATION_EDGE,   /* modulesContent */
};

#define CONFIGURATION_N_KINDS 3

/* The name of the content's member. */
const char *configuration_kind_name(enum configuration_kind kind);

/* A value and where it goes; without names it is all of "properties.desired". */
struct content_entry {
    char **names;
    size_t n_names;
    json_t *value;
};

/* What one twin is to have. */
struct content_twin {
    char *module_id; /* "" unless the kind is CONFIGURATION_EDGE */
    struct content_entry *entries;
    size_t n_entries;
};

/* {0} is an empty one; an enter takes it. */
struct configuration_content {
    enum configuration_kind kind;
    struct content_twin *twins;
    size_t n_twins;
};

/**
 * Read the value of "deviceContent", "moduleContent" or "modulesContent".
 * @param error  receives a sentence that says what is wrong.
 * @param out    end it with configuration_content_finish(), also when it failed.
 */
MUST_CHECK bool configuration_content_read(enum configuration_kind kind, const json_t *value,
                                           struct configuration_content *out,
                                           struct buf *error);
void configuration_content_finish(struct configuration_content *content);

/* What is meant for a module of an edge device, or for any with ""; NULL for nothing. */
const struct content_twin *configuration_content_of(const struct configuration_content *content,
                                                    struct slice module_id);

/* Whether there is an entry for all of "properties.desired". */
bool content_twin_is_whole(const struct content_twin *twin);

#endif
