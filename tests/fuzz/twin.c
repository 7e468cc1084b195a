/*
 * Twins: a patch into a section, both JSON, with "--" between them.
 */
#include "hub/twin_merge.h"

#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "hub/twin_check.h"
#include "hub/twin_view.h"
#include "iothub/json.h"

static const struct twin_stamp first = {"2026-03-02T12:00:00Z", 1};
static const struct twin_stamp second = {"2026-03-02T13:00:00Z", 2};

/* An object that a twin may hold, or NULL. */
static json_t *content_from(struct slice text)
{
    struct buf error = fuzz_buf();
    json_t *value = json_parse_clamped(text, NULL);
    bool is_good = json_is_object(value) && twin_check_content(value, &error);
    FUZZ_CHECK(is_good || !json_is_object(value) || error.len != 0);
    buf_finish(&error);
    if (!is_good) {
        json_decref(value);
        return NULL;
    }
    return value;
}

/* What stands in a section has a stamp, and nothing else has. */
static void check_metadata(const json_t *section, const json_t *metadata)
{
    const char *key = NULL;
    json_t *value = NULL;
    FUZZ_CHECK(json_is_object(metadata));
    FUZZ_CHECK(json_is_string(json_object_get(metadata, "$lastUpdated")));
    FUZZ_CHECK(json_is_integer(json_object_get(metadata, "$lastUpdatedVersion")));
    size_t n = json_is_object(section) ? json_object_size(section) : 0;
    FUZZ_CHECK(json_object_size(metadata) == n + 2);
    json_object_foreach((json_t *)(uintptr_t)section, key, value)
    {
        FUZZ_CHECK(!json_is_null(value));
        check_metadata(value, json_object_get(metadata, key));
    }
}

static void check_content(const json_t *section)
{
    struct buf error = fuzz_buf();
    FUZZ_CHECK(twin_check_content(section, &error));
    buf_finish(&error);
}

/* The view is a document with all members, and the version at its end. */
static void check_view(const json_t *section, const json_t *metadata)
{
    char *section_text = json_text(section);
    char *metadata_text = json_text(metadata);
    struct buf out = fuzz_buf();
    twin_view_section(slice_of(section_text), slice_of(metadata_text), 7, &out);
    json_t *view = json_parse(buf_slice(&out), NULL);
    FUZZ_CHECK(json_object_size(view) == json_object_size(section) + 2);
    FUZZ_CHECK(json_equal(json_object_get(view, "$metadata"), metadata));
    FUZZ_CHECK(json_integer_value(json_object_get(view, "$version")) == 7);
    json_object_del(view, "$metadata");
    json_object_del(view, "$version");
    FUZZ_CHECK(json_equal(view, section));
    json_decref(view);
    buf_finish(&out);
    free(section_text);
    free(metadata_text);
}

static void check_merge(const json_t *patch, json_t *section, json_t *metadata)
{
    size_t most = twin_size_bytes(section) + twin_size_bytes(patch);
    twin_merge(section, metadata, patch, second);
    check_metadata(section, metadata);
    check_content(section);
    check_view(section, metadata);
    FUZZ_CHECK(twin_size_bytes(section) <= most);

    /* The same again changes nothing. */
    json_t *same = json_deep_copy(section);
    json_t *same_metadata = json_deep_copy(metadata);
    twin_merge(same, same_metadata, patch, second);
    FUZZ_CHECK(json_equal(same, section));
    FUZZ_CHECK(json_equal(same_metadata, metadata));
    json_decref(same);
    json_decref(same_metadata);
}

/* A device that merges a replacement's patch has what was wanted. */
static void check_replacement(const json_t *section, const json_t *wanted)
{
    json_t *fresh = json_object();
    twin_merge(fresh, NULL, wanted, second);
    json_t *patch = twin_replacement(section, wanted);
    json_t *at_device = json_deep_copy(section);
    twin_merge(at_device, NULL, patch, second);
    FUZZ_CHECK(json_equal(at_device, fresh));
    json_decref(at_device);
    json_decref(patch);
    json_decref(fresh);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = fuzz_input(data, size);
    json_t *begin = content_from(fuzz_take_part(&rest));
    json_t *patch = content_from(rest);
    if (begin != NULL && patch != NULL) {
        json_t *section = json_object();
        json_t *metadata = json_object();
        twin_merge(section, metadata, begin, first);
        check_metadata(section, metadata);
        check_replacement(section, patch);
        check_merge(patch, section, metadata);
        json_decref(section);
        json_decref(metadata);
    }
    json_decref(begin);
    json_decref(patch);
    return 0;
}
