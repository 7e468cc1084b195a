/*
 * What each function answers.  The documentation names IS_DEFINED alone; Microsoft's own tools
 * use STARTSWITH and ARRAY_CONTAINS against the service, and the grammar in
 * Azure/Industrial-IoT has the others.
 */
#include "query/functions.h"

#include "iothub/json_scan.h"

static enum query_truth is_defined(const struct query_value *arguments)
{
    return query_truth_of(arguments[0].type != QUERY_UNDEFINED);
}

static enum query_truth is_null(const struct query_value *arguments)
{
    return query_truth_of(arguments[0].type == QUERY_NULL);
}

static enum query_truth is_bool(const struct query_value *arguments)
{
    return query_truth_of(arguments[0].type == QUERY_BOOL);
}

static enum query_truth is_number(const struct query_value *arguments)
{
    return query_truth_of(arguments[0].type == QUERY_NUMBER);
}

static enum query_truth is_string(const struct query_value *arguments)
{
    return query_truth_of(arguments[0].type == QUERY_STRING);
}

static enum query_truth is_array(const struct query_value *arguments)
{
    return query_truth_of(arguments[0].type == QUERY_ARRAY);
}

static enum query_truth is_object(const struct query_value *arguments)
{
    return query_truth_of(arguments[0].type == QUERY_OBJECT);
}

static enum query_truth is_primitive(const struct query_value *arguments)
{
    switch (arguments[0].type) {
    case QUERY_NULL:
    case QUERY_BOOL:
    case QUERY_NUMBER:
    case QUERY_STRING:
        return TRUTH_TRUE;
    case QUERY_UNDEFINED:
    case QUERY_ARRAY:
    case QUERY_OBJECT:
        return TRUTH_FALSE;
    }
    return TRUTH_FALSE;
}

static bool are_strings(const struct query_value *arguments)
{
    return arguments[0].type == QUERY_STRING && arguments[1].type == QUERY_STRING;
}

static enum query_truth starts_with(const struct query_value *arguments)
{
    if (!are_strings(arguments)) {
        return TRUTH_UNDEFINED;
    }
    return query_truth_of(slice_starts_with(arguments[0].text, arguments[1].text));
}

static enum query_truth ends_with(const struct query_value *arguments)
{
    if (!are_strings(arguments)) {
        return TRUTH_UNDEFINED;
    }
    return query_truth_of(slice_ends_with(arguments[0].text, arguments[1].text));
}

static enum query_truth array_contains(const struct query_value *arguments)
{
    struct json_scan scan;
    struct slice raw;
    if (arguments[0].type != QUERY_ARRAY || is_primitive(&arguments[1]) == TRUTH_FALSE) {
        return TRUTH_UNDEFINED;
    }
    if (!json_scan_open(&scan, arguments[0].raw)) {
        return TRUTH_FALSE;
    }
    while (json_scan_next(&scan, NULL, &raw)) {
        if (query_value_equals_raw(&arguments[1], raw)) {
            return TRUTH_TRUE;
        }
    }
    return TRUTH_FALSE;
}

static const struct query_function functions[] = {
    {SLICE("IS_DEFINED"),     1, true,  is_defined    },
    {SLICE("IS_NULL"),        1, false, is_null       },
    {SLICE("IS_BOOL"),        1, false, is_bool       },
    {SLICE("IS_NUMBER"),      1, false, is_number     },
    {SLICE("IS_STRING"),      1, false, is_string     },
    {SLICE("IS_ARRAY"),       1, false, is_array      },
    {SLICE("IS_OBJECT"),      1, false, is_object     },
    {SLICE("IS_PRIMITIVE"),   1, false, is_primitive  },
    {SLICE("STARTSWITH"),     2, false, starts_with   },
    {SLICE("STARTS_WITH"),    2, false, starts_with   },
    {SLICE("ENDSWITH"),       2, false, ends_with     },
    {SLICE("ENDS_WITH"),      2, false, ends_with     },
    {SLICE("ARRAY_CONTAINS"), 2, false, array_contains},
};

const struct query_function *query_function_find(struct slice name)
{
    for (size_t i = 0; i < ARRAY_LEN(functions); i++) {
        if (slice_equal_nocase(functions[i].name, name)) {
            return &functions[i];
        }
    }
    return NULL;
}
