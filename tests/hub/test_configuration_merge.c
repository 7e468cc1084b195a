/*
 * The pure part of configurations: documents of several, claims, and the way from what a twin
 * has to what it is to have, also over random documents.
 */
#include "hub/configuration_merge.h"
#include "hub/fixture.h"
#include "hub/twin_merge.h"

/* ---- documents and claims
 * ---------------------------------------------------------------------- */

static struct configuration_content read_content(const char *text)
{
    struct configuration_content content;
    struct buf error = {.cap = 1000};
    json_t *value = json_from(text);
    assert_true(configuration_content_read(CONFIGURATION_DEVICE, value, &content, &error));
    json_decref(value);
    buf_finish(&error);
    return content;
}

static void assert_document(const char *low, const char *high, const char *want)
{
    struct configuration_content contents[] = {read_content(low), read_content(high)};
    json_t *document = json_object();
    for (size_t i = 0; i < ARRAY_LEN(contents); i++) {
        configuration_merge_put(document, &contents[i].twins[0]);
        configuration_content_finish(&contents[i]);
    }
    assert_json(document, want);
    json_decref(document);
}

static void later_content_goes_over_earlier(void **state)
{
    (void)state;
    assert_document("{'properties.desired.a':1}", "{'properties.desired.b':2}",
                    "{'a':1,'b':2}");
    assert_document("{'properties.desired.a':{'x':1}}", "{'properties.desired.a':{'y':2}}",
                    "{'a':{'y':2}}");
    assert_document("{'properties.desired.a':{'x':1}}", "{'properties.desired.a.y':2}",
                    "{'a':{'x':1,'y':2}}");
    assert_document("{'properties.desired.a':1}", "{'properties.desired.a.y.z':2}",
                    "{'a':{'y':{'z':2}}}");
    assert_document("{'properties.desired.a':1}", "{'properties.desired':{'b':2}}", "{'b':2}");
    assert_document("{'properties.desired.a':1}", "{'properties.desired.a':null}",
                    "{'a':null}");
}

/* Whether each of three, the highest first, has something to say. */
static void assert_claims(const char *first, const char *second, const char *third,
                          const char *want)
{
    const char *const texts[] = {first, second, third};
    json_t *claims = json_object();
    char outcome[4] = "";
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct configuration_content content = read_content(texts[i]);
        outcome[i] = configuration_merge_claim(claims, &content.twins[0], (int64_t)i) ? '+'
                                                                                      : '-';
        configuration_content_finish(&content);
    }
    assert_string_equal(outcome, want);
    json_decref(claims);
}

static void path_belongs_to_the_first_that_names_it(void **state)
{
    (void)state;
    assert_claims("{'properties.desired.a':1}", "{'properties.desired.a':2}",
                  "{'properties.desired.b':3}", "+-+");
    assert_claims("{'properties.desired.a':1}", "{'properties.desired.a.b':2}",
                  "{'properties.desired.ab':3}", "+-+");
    assert_claims("{'properties.desired.a.b':1}", "{'properties.desired.a':2}",
                  "{'properties.desired.a.c':3}", "++-");
    assert_claims("{'properties.desired':{}}", "{'properties.desired.a':2}", "{}", "+-+");
    assert_claims("{'properties.desired.a':1,'properties.desired.a.b':2}",
                  "{'properties.desired.a':1,'properties.desired.c':2}",
                  "{'properties.desired.a':1,'properties.desired.c.d':2}", "++-");
}

/* ---- patches
 * ----------------------------------------------------------------------------------- */

static void assert_patch(const char *current_text, const char *was_text,
                         const char *wanted_text, const char *want)
{
    json_t *current = json_from(current_text);
    json_t *was = json_from(was_text);
    json_t *wanted = json_from(wanted_text);
    json_t *patch = configuration_merge_patch(current, was, wanted);
    assert_json(patch, want);
    json_decref(patch);
    json_decref(wanted);
    json_decref(was);
    json_decref(current);
}

static void patch_holds_what_is_missing(void **state)
{
    (void)state;
    assert_patch("{'a':1}", "{}", "{'a':1}", "{}");
    assert_patch("{'a':1}", "{}", "{'a':1.0}", "{'a':1.0}");
    assert_patch("{'a':{'x':1,'own':2}}", "{}", "{'a':{'x':1,'y':3}}", "{'a':{'y':3}}");
    assert_patch("{'a':1}", "{}", "{'a':{}}", "{'a':{}}");
    assert_patch("{'a':{'x':1}}", "{}", "{'a':1}", "{'a':1}");
    assert_patch("{'a':[1]}", "{}", "{'a':[1,2]}", "{'a':[1,2]}");
    assert_patch("{'a':1}", "{}", "{'a':null,'b':null}", "{'a':null}");
}

static void patch_takes_back_what_is_not_wanted_any_more(void **state)
{
    (void)state;
    assert_patch("{'a':1,'own':2}", "{'a':1}", "{}", "{'a':null}");
    assert_patch("{'a':7}", "{'a':1}", "{}", "{'a':null}");
    assert_patch("{'own':2}", "{'a':1}", "{}", "{}");
    assert_patch("{'a':{'x':1,'own':2}}", "{'a':{'x':1}}", "{}", "{'a':{'x':null}}");
    assert_patch("{'a':{'x':{'y':1}}}", "{'a':{'x':{'y':1}}}", "{}", "{'a':null}");
    assert_patch("{'a':{'own':2}}", "{'a':{'x':1}}", "{}", "{}");
    assert_patch("{'a':{}}", "{'a':{'x':1}}", "{}", "{'a':null}");
    assert_patch("{'a':{'x':1,'y':2}}", "{'a':{'x':1,'y':2}}", "{'a':{'y':3}}",
                 "{'a':{'y':3,'x':null}}");
    /* What it only removed, and somebody has put there since, is not its own. */
    assert_patch("{'a':1}", "{'a':null}", "{}", "{}");
    assert_patch("{'b':{'a':1,'c':2}}", "{'b':{'a':null,'c':2}}", "{}", "{'b':{'c':null}}");
}

/* ---- random documents
 * -------------------------------------------------------------------------- */

static unsigned pick(unsigned *seed, unsigned n)
{
    *seed = *seed * 1664525U + 1013904223U;
    return (*seed >> 16) % n;
}

static json_t *random_value(unsigned *seed, int depth, bool has_nulls)
{
    static const char *const names[] = {"a", "b", "c"};
    if (depth == 0 || pick(seed, 3) == 0) {
        return has_nulls && pick(seed, 5) == 0 ? json_null() : json_integer(pick(seed, 3));
    }
    json_t *object = json_object();
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (pick(seed, 2) == 0) {
            json_object_set_new(object, names[i], random_value(seed, depth - 1, has_nulls));
        }
    }
    return object;
}

static json_t *random_document(unsigned *seed, bool has_nulls)
{
    json_t *value = random_value(seed, 3, has_nulls);
    if (!json_is_object(value)) {
        json_decref(value);
        value = json_object();
    }
    return value;
}

/* Everything that is wanted is there, and nothing that is to be away. */
static void assert_has(const json_t *current, const json_t *wanted)
{
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)(uintptr_t)wanted, key, value)
    {
        const json_t *there = json_object_get(current, key);
        if (json_is_null(value)) {
            assert_null(there);
        } else if (json_is_object(value)) {
            assert_true(json_is_object(there));
            assert_has(there, value);
        } else {
            assert_true(json_equal(there, value));
        }
    }
}

/* What neither has named stays as it was, at the top. */
static void assert_others_stay(const json_t *before, const json_t *after, const json_t *was,
                               const json_t *wanted)
{
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)(uintptr_t)before, key, value)
    {
        if (json_object_get(was, key) == NULL && json_object_get(wanted, key) == NULL) {
            assert_true(json_equal(json_object_get(after, key), value));
        }
    }
}

static void patch_leads_there_and_then_is_empty(void **state)
{
    unsigned seed = 1;
    (void)state;
    for (int i = 0; i < 20000; i++) {
        json_t *current = random_document(&seed, false);
        json_t *before = json_deep_copy(current);
        json_t *was = random_document(&seed, true);
        json_t *wanted = random_document(&seed, true);
        json_t *patch = configuration_merge_patch(current, was, wanted);
        twin_merge(current, NULL, patch, (struct twin_stamp){"", 0});
        assert_has(current, wanted);
        assert_others_stay(before, current, was, wanted);
        json_decref(patch);
        /* So that evaluating again writes nothing. */
        patch = configuration_merge_patch(current, wanted, wanted);
        assert_json(patch, "{}");
        json_decref(patch);
        /* And all of it can be taken back, once. */
        json_t *nothing = json_object();
        patch = configuration_merge_patch(current, wanted, nothing);
        twin_merge(current, NULL, patch, (struct twin_stamp){"", 0});
        json_decref(patch);
        patch = configuration_merge_patch(current, wanted, nothing);
        assert_json(patch, "{}");
        json_decref(patch);
        json_decref(nothing);
        json_decref(wanted);
        json_decref(was);
        json_decref(before);
        json_decref(current);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(later_content_goes_over_earlier),
        cmocka_unit_test(path_belongs_to_the_first_that_names_it),
        cmocka_unit_test(patch_holds_what_is_missing),
        cmocka_unit_test(patch_takes_back_what_is_not_wanted_any_more),
        cmocka_unit_test(patch_leads_there_and_then_is_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
