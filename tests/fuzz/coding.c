/*
 * Codings, numbers and times: what is decoded and encoded again is the same.
 *
 * The first byte chooses what the rest is.
 */
#include "base/coding.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/iso8601.h"
#include "base/macros.h"
#include "fuzz/fuzz.h"

static void check_percent(struct slice text)
{
    struct buf encoded = fuzz_buf();
    struct buf decoded = fuzz_buf();
    percent_encode(&encoded, text);
    percent_decode(&decoded, buf_slice(&encoded));
    FUZZ_CHECK(slice_equal(buf_slice(&decoded), text));
    for (size_t i = 0; i < encoded.len; i++) {
        FUZZ_CHECK(encoded.data[i] > ' ' && encoded.data[i] <= '~');
    }

    /* What is decoded never grows, and survives a round of its own. */
    buf_reset(&decoded);
    percent_decode(&decoded, text);
    FUZZ_CHECK(decoded.len <= text.len);
    buf_reset(&encoded);
    percent_encode(&encoded, buf_slice(&decoded));
    struct buf again = fuzz_buf();
    percent_decode(&again, buf_slice(&encoded));
    FUZZ_CHECK(slice_equal(buf_slice(&again), buf_slice(&decoded)));
    buf_finish(&again);
    buf_finish(&encoded);
    buf_finish(&decoded);
}

static void check_base64(struct slice text)
{
    struct buf bytes = fuzz_buf();
    struct buf again = fuzz_buf();
    bool is_base64 = base64_decode(&bytes, text);
    FUZZ_CHECK(is_base64 || bytes.len == 0);
    if (is_base64) {
        base64_encode(&again, bytes.data, bytes.len);
        FUZZ_CHECK(again.len == text.len);
        /* The last character may hold bits that are not of a byte. */
        FUZZ_CHECK(text.len < 4 || slice_equal(slice_make(again.data, again.len - 4),
                                               slice_make(text.data, text.len - 4)));
    }
    buf_reset(&bytes);
    buf_reset(&again);
    base64_encode(&bytes, text.data, text.len);
    FUZZ_CHECK(base64_decode(&again, buf_slice(&bytes)));
    FUZZ_CHECK(slice_equal(buf_slice(&again), text));
    buf_finish(&bytes);
    buf_finish(&again);
}

static void check_hex(struct slice bytes)
{
    struct buf text = fuzz_buf();
    hex_encode(&text, bytes.data, bytes.len);
    FUZZ_CHECK(text.len == 2 * bytes.len);
    for (size_t i = 0; i < bytes.len; i++) {
        int value = hex_digit(text.data[2 * i]) * 16 + hex_digit(text.data[2 * i + 1]);
        FUZZ_CHECK(value == (unsigned char)bytes.data[i]);
    }
    buf_finish(&text);
}

static void check_time(struct slice text)
{
    char out[ISO8601_MAX];
    int64_t at_ms = 0;
    int64_t again_ms = 0;
    if (!iso8601_parse(text, &at_ms)) {
        return;
    }
    FUZZ_CHECK(iso8601_parse(slice_of(iso8601_format(out, at_ms)), &again_ms));
    FUZZ_CHECK(again_ms == at_ms);
    FUZZ_CHECK(iso8601_parse(slice_of(iso8601_format_seven(out, at_ms)), &again_ms));
    FUZZ_CHECK(again_ms == at_ms);
}

static void check_number(struct slice text)
{
    int64_t value = 0;
    if (!slice_to_i64(text, &value)) {
        return;
    }
    char *copy = slice_dup(text);
    char *end = NULL;
    FUZZ_CHECK(strtoimax(copy, &end, 10) == value && *end == '\0');
    free(copy);

    struct buf written = fuzz_buf();
    int64_t again = 0;
    buf_put_i64(&written, value);
    FUZZ_CHECK(slice_to_i64(buf_slice(&written), &again) && again == value);
    buf_finish(&written);
}

/* Joined by the separator, the parts are the text again, but for an end that is empty. */
static void check_parts(struct slice text)
{
    struct buf joined = fuzz_buf();
    struct slice rest = text;
    struct slice part = {0};
    for (bool is_first = true; slice_next(&rest, ',', &part); is_first = false) {
        buf_put_text(&joined, is_first ? "" : ",");
        buf_put_slice(&joined, part);
    }
    FUZZ_CHECK(slice_starts_with(text, buf_slice(&joined)));
    FUZZ_CHECK(text.len - joined.len <= 1);
    struct slice trimmed = slice_trim(text);
    FUZZ_CHECK(slice_equal(slice_trim(trimmed), trimmed));
    buf_finish(&joined);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const checks[])(struct slice) = {check_percent, check_base64, check_hex,
                                                   check_time,    check_number, check_parts};
    struct slice rest = fuzz_input(data, size);
    uint8_t choice = fuzz_take_byte(&rest);
    checks[choice % ARRAY_LEN(checks)](rest);
    return 0;
}
