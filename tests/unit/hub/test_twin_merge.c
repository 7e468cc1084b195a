/*
 * hub/twin_merge: what a write does to a section and its metadata.
 */
#include "hub/twin_merge.h"

#include "base/macros.h"
#include "unit/hub/documents.h"

static const struct twin_stamp stamp = {"T2", 2};

/* Merge and compare section and metadata; "" for metadata: a section without. */
static void check(const char *before, const char *patch, const char *after)
{
    json_t *section = document(before);
    json_t *change = document(patch);
    twin_merge(section, NULL, change, stamp);
    assert_document(section, after);
    json_decref(section);
    json_decref(change);
}

static void members_merge_replace_and_go(void **state)
{
    (void)state;
    check("{}", "{}", "{}");
    check("{}", "{'a':1}", "{'a':1}");
    check("{'a':1}", "{'b':2}", "{'a':1,'b':2}");
    check("{'a':1,'b':2}", "{'a':3}", "{'a':3,'b':2}");
    check("{'a':1,'b':2}", "{'a':null}", "{'b':2}");
    check("{'b':2}", "{'a':null}", "{'b':2}");
    check("{'a':{'x':1,'y':2}}", "{'a':{'y':3,'z':{}}}", "{'a':{'x':1,'y':3,'z':{}}}");
    check("{'a':{'x':1}}", "{'a':{'x':null}}", "{'a':{}}");
    check("{'a':{'x':1}}", "{'a':{}}", "{'a':{'x':1}}");
    check("{'a':{'x':1}}", "{'a':5}", "{'a':5}");
    check("{'a':5}", "{'a':{'x':1}}", "{'a':{'x':1}}");
    check("{'a':[1,{'x':1}]}", "{'a':[{'y':2}]}", "{'a':[{'y':2}]}");
    check("{'a':{'x':1}}", "{'a':[]}", "{'a':[]}");
}

static void nulls_in_what_is_new_are_dropped(void **state)
{
    (void)state;
    check("{}", "{'a':null}", "{}");
    check("{}", "{'a':{'b':null}}", "{'a':{}}");
    check("{}", "{'a':{'b':{'c':null,'d':1},'e':null}}", "{'a':{'b':{'d':1}}}");
    check("{'a':5}", "{'a':{'b':null}}", "{'a':{}}");
}

static void own_members_count_at_the_top_only(void **state)
{
    (void)state;
    check("{'a':1}", "{'$version':9,'$metadata':{'a':1},'a':2}", "{'a':2}");
}

static void patch_is_not_changed_and_not_shared(void **state)
{
    (void)state;
    json_t *section = document("{}");
    json_t *patch = document("{'a':{'b':[1]},'c':null}");
    twin_merge(section, NULL, patch, stamp);
    json_array_append_new(json_object_get(json_object_get(section, "a"), "b"), json_integer(2));
    assert_document(patch, "{'a':{'b':[1]},'c':null}");
    json_decref(section);
    json_decref(patch);
}

static void check_metadata(const char *section_text, const char *before, const char *patch,
                           const char *after)
{
    json_t *section = document(section_text);
    json_t *metadata = document(before);
    json_t *change = document(patch);
    twin_merge(section, metadata, change, stamp);
    assert_document(metadata, after);
    json_decref(section);
    json_decref(metadata);
    json_decref(change);
}

#define STAMP "'$lastUpdated':'T2','$lastUpdatedVersion':2"
#define OLD   "'$lastUpdated':'T1','$lastUpdatedVersion':1"

static void what_is_touched_is_stamped_with_all_above_it(void **state)
{
    (void)state;
    check_metadata("{}", "{'$lastUpdated':'T1'}", "{}", "{" STAMP "}");
    check_metadata("{}", "{'$lastUpdated':'T1'}", "{'a':{'b':1}}",
                   "{" STAMP ",'a':{" STAMP ",'b':{" STAMP "}}}");
    check_metadata("{'a':{'b':1,'c':1},'d':1}",
                   "{" OLD ",'a':{" OLD ",'b':{" OLD "},'c':{" OLD "}},'d':{" OLD "}}",
                   "{'a':{'b':2}}",
                   "{" STAMP ",'a':{" STAMP ",'b':{" STAMP "},'c':{" OLD "}},'d':{" OLD "}}");
}

static void metadata_goes_with_its_member(void **state)
{
    (void)state;
    check_metadata("{'a':{'b':1},'c':1}", "{" OLD ",'a':{" OLD ",'b':{" OLD "}},'c':{" OLD "}}",
                   "{'a':null}", "{" STAMP ",'c':{" OLD "}}");
    check_metadata("{'a':{'b':1}}", "{" OLD ",'a':{" OLD ",'b':{" OLD "}}}", "{'a':{'b':null}}",
                   "{" STAMP ",'a':{" STAMP "}}");
}

static void replaced_member_begins_its_metadata_anew(void **state)
{
    (void)state;
    check_metadata("{'a':{'b':1}}", "{" OLD ",'a':{" OLD ",'b':{" OLD "}}}", "{'a':5}",
                   "{" STAMP ",'a':{" STAMP "}}");
    check_metadata("{'a':[1]}", "{" OLD ",'a':{" OLD "}}", "{'a':{'b':[1,{'c':1}]}}",
                   "{" STAMP ",'a':{" STAMP ",'b':{" STAMP "}}}");
}

static void stamp_without_version_notes_none(void **state)
{
    (void)state;
    json_t *section = document("{}");
    json_t *metadata = document("{'$lastUpdated':'T1'}");
    json_t *patch = document("{'a':1}");
    twin_merge(section, metadata, patch, (struct twin_stamp){"T2", 0});
    assert_document(metadata, "{'$lastUpdated':'T2','a':{'$lastUpdated':'T2'}}");
    json_decref(section);
    json_decref(metadata);
    json_decref(patch);
}

static void replacement_is_the_patch_that_leads_there(void **state)
{
    static const struct {
        const char *before;
        const char *wanted;
        const char *patch;
    } rows[] = {
        {"{}",                  "{'a':1}",              "{'a':1}"                 },
        {"{'a':1,'b':2}",       "{'a':1,'c':100}",      "{'a':1,'c':100,'b':null}"},
        {"{'a':1,'b':{'c':2}}", "{}",                   "{'a':null,'b':null}"     },
        {"{'t':{'x':1,'y':2}}", "{'t':{'x':9}}",        "{'t':{'x':9,'y':null}}"  },
        {"{'t':{'x':{'y':1}}}", "{'t':{'x':{}}}",       "{'t':{'x':{'y':null}}}"  },
        {"{'t':{'x':1}}",       "{'t':5}",              "{'t':5}"                 },
        {"{'t':5}",             "{'t':{'x':1}}",        "{'t':{'x':1}}"           },
        {"{'t':{'x':1}}",       "{'t':[1]}",            "{'t':[1]}"               },
        {"{'a':1}",             "{'$version':3,'b':1}", "{'b':1,'a':null}"        },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        json_t *section = document(rows[i].before);
        json_t *wanted = document(rows[i].wanted);
        json_t *patch = twin_replacement(section, wanted);
        assert_document(patch, rows[i].patch);
        /* And it does lead there. */
        twin_merge(section, NULL, patch, stamp);
        json_t *plain = twin_plain_patch(wanted);
        assert_true(json_equal(section, plain));
        json_decref(plain);
        json_decref(patch);
        json_decref(wanted);
        json_decref(section);
    }
}

static void plain_patch_lacks_the_hubs_members(void **state)
{
    (void)state;
    json_t *patch = document("{'$version':1,'a':{'$version':2},'$metadata':{},'b':null}");
    json_t *plain = twin_plain_patch(patch);
    assert_document(plain, "{'a':{'$version':2},'b':null}");
    assert_document(patch, "{'$version':1,'a':{'$version':2},'$metadata':{},'b':null}");
    json_decref(patch);
    json_decref(plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_merge_replace_and_go),
        cmocka_unit_test(nulls_in_what_is_new_are_dropped),
        cmocka_unit_test(own_members_count_at_the_top_only),
        cmocka_unit_test(patch_is_not_changed_and_not_shared),
        cmocka_unit_test(what_is_touched_is_stamped_with_all_above_it),
        cmocka_unit_test(metadata_goes_with_its_member),
        cmocka_unit_test(replaced_member_begins_its_metadata_anew),
        cmocka_unit_test(stamp_without_version_notes_none),
        cmocka_unit_test(replacement_is_the_patch_that_leads_there),
        cmocka_unit_test(plain_patch_lacks_the_hubs_members),
    };
    return cmocka_run_group_tests_name("hub.twin_merge", tests, NULL, NULL);
}
