/*
 * Values: made from JSON text, compared, written.
 */
#include "query/value.h"

#include <math.h>

#include "iothub/json.h"
#include "iothub/json_scan.h"

/* Whole numbers up to here are written without a fraction: all of them are exact. */
#define WHOLE_MAX 9007199254740992.0

struct query_value query_value_string(struct slice text)
{
    return (struct query_value){.type = QUERY_STRING, .text = text};
}

struct query_value query_value_number(double number)
{
    return (struct query_value){.type = QUERY_NUMBER, .number = number};
}

struct query_value query_value_bool(bool truth)
{
    return (struct query_value){.type = QUERY_BOOL, .truth = truth};
}

struct query_value query_value_null(void)
{
    return (struct query_value){.type = QUERY_NULL};
}

struct query_value query_value_json(struct slice raw, struct buf *scratch)
{
    struct query_value value = {.raw = raw};
    if (raw.len == 0) {
        return value;
    }
    switch (json_scan_type(raw)) {
    case JSON_SCAN_NULL:
        value.type = QUERY_NULL;
        break;
    case JSON_SCAN_FALSE:
    case JSON_SCAN_TRUE:
        value.type = QUERY_BOOL;
        value.truth = raw.data[0] == 't';
        break;
    case JSON_SCAN_NUMBER:
        value.type = QUERY_NUMBER;
        value.number = json_scan_number(raw);
        break;
    case JSON_SCAN_STRING:
        value.type = QUERY_STRING;
        value.text = json_scan_string(raw, scratch);
        break;
    case JSON_SCAN_ARRAY:
        value.type = QUERY_ARRAY;
        break;
    case JSON_SCAN_OBJECT:
        value.type = QUERY_OBJECT;
        break;
    }
    return value;
}

static struct query_value value_at(struct slice document, const struct slice *names,
                                   size_t n_names, struct buf *scratch)
{
    struct slice raw = {0};
    if (!json_scan_path(document, names, n_names, &raw)) {
        return (struct query_value){0};
    }
    return query_value_json(raw, scratch);
}

struct query_value query_value_below(struct slice document, const struct query_path *path,
                                     struct buf *scratch)
{
    return value_at(document, path->names, path->n_names, scratch);
}

static struct query_value lookup_in_document(void *row, const struct query_path *path,
                                             struct buf *scratch)
{
    const struct slice *document = row;
    return value_at(*document, path->steps, path->n_steps, scratch);
}

const struct query_row_ops query_json_row = {.lookup = lookup_in_document};

enum query_truth query_truth_not(enum query_truth truth)
{
    switch (truth) {
    case TRUTH_FALSE:
        return TRUTH_TRUE;
    case TRUTH_TRUE:
        return TRUTH_FALSE;
    case TRUTH_UNDEFINED:
        return TRUTH_UNDEFINED;
    }
    return TRUTH_UNDEFINED;
}

/*
 * UTF-8 orders as code points do, and so does UTF-16 but for one thing: characters beyond
 * U+FFFF (lead bytes from 0xF0 on) are pairs of surrogates, which stand below U+E000 (lead
 * bytes 0xEE and 0xEF).
 */
static int utf16_rank(unsigned char byte)
{
    if (byte >= 0xF0) {
        return byte - 2;
    }
    return byte >= 0xEE ? byte + 0x10 : byte;
}

int query_text_compare(struct slice a, struct slice b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    for (size_t i = 0; i < len; i++) {
        if (a.data[i] != b.data[i]) {
            return utf16_rank((unsigned char)a.data[i]) - utf16_rank((unsigned char)b.data[i]);
        }
    }
    return (a.len > b.len) - (a.len < b.len);
}

static enum query_truth judge(enum query_op op, bool is_less, bool is_greater)
{
    switch (op) {
    case OP_EQUAL:
        return query_truth_of(!is_less && !is_greater);
    case OP_NOT_EQUAL:
        return query_truth_of(is_less || is_greater);
    case OP_LESS:
        return query_truth_of(is_less);
    case OP_LESS_EQUAL:
        return query_truth_of(!is_greater);
    case OP_GREATER:
        return query_truth_of(is_greater);
    case OP_GREATER_EQUAL:
        return query_truth_of(!is_less);
    case OP_NONE:
    case OP_PLUS:
    case OP_MINUS:
    case OP_TIMES:
    case OP_DIVIDE:
    case OP_MODULO:
        break;
    }
    return TRUTH_UNDEFINED;
}

static enum query_truth compare_texts(enum query_op op, struct slice a, struct slice b)
{
    if (op == OP_EQUAL || op == OP_NOT_EQUAL) {
        return query_truth_of(slice_equal(a, b) == (op == OP_EQUAL));
    }
    int order = query_text_compare(a, b);
    return judge(op, order<0, order> 0);
}

enum query_truth query_value_compare(enum query_op op, const struct query_value *a,
                                     const struct query_value *b)
{
    if (a->type != b->type) {
        return TRUTH_UNDEFINED;
    }
    switch (a->type) {
    case QUERY_NULL:
        return judge(op, false, false);
    case QUERY_BOOL:
        return judge(op, a->truth<b->truth, a->truth> b->truth);
    case QUERY_NUMBER:
        return judge(op, a->number<b->number, a->number> b->number);
    case QUERY_STRING:
        return compare_texts(op, a->text, b->text);
    case QUERY_UNDEFINED:
    case QUERY_ARRAY:
    case QUERY_OBJECT:
        return TRUTH_UNDEFINED;
    }
    return TRUTH_UNDEFINED;
}

bool query_value_equals_raw(const struct query_value *value, struct slice raw)
{
    enum json_scan_type type = json_scan_type(raw);
    switch (value->type) {
    case QUERY_NULL:
        return type == JSON_SCAN_NULL;
    case QUERY_BOOL:
        return type == (value->truth ? JSON_SCAN_TRUE : JSON_SCAN_FALSE);
    case QUERY_NUMBER:
        return type == JSON_SCAN_NUMBER && json_scan_number(raw) == value->number;
    case QUERY_STRING:
        return type == JSON_SCAN_STRING && json_scan_string_is(raw, value->text);
    case QUERY_UNDEFINED:
    case QUERY_ARRAY:
    case QUERY_OBJECT:
        return false;
    }
    return false;
}

void query_number_put(struct buf *out, double number)
{
    if (fabs(number) <= WHOLE_MAX && number == trunc(number)) {
        buf_put_i64(out, (int64_t)number);
        return;
    }
    json_put_real(out, number);
}

void query_value_put(struct buf *out, const struct query_value *value)
{
    if (value->raw.len > 0) {
        buf_put_slice(out, value->raw);
        return;
    }
    switch (value->type) {
    case QUERY_BOOL:
        buf_put_text(out, value->truth ? "true" : "false");
        break;
    case QUERY_NUMBER:
        query_number_put(out, value->number);
        break;
    case QUERY_STRING:
        json_put_string(out, value->text);
        break;
    case QUERY_UNDEFINED:
    case QUERY_NULL:
    case QUERY_ARRAY:
    case QUERY_OBJECT:
        buf_put_text(out, "null");
        break;
    }
}
