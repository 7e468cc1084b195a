/*
 * sas_token: tokens as each official SDK writes them.  The signatures were made with
 *   printf '%s\n%s' SR SE | openssl dgst -sha256 -mac HMAC -macopt hexkey:KEY -binary | base64
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "iothub/sas_token.h"

/* "an emulator key of thirty-two by" */
#define KEY       SLICE("YW4gZW11bGF0b3Iga2V5IG9mIHRoaXJ0eS10d28gYnk=")
#define OTHER_KEY SLICE("YW4gZW11bGF0b3Iga2V5IG9mIHRoaXJ0eS10d28gYno=")

#define WORD "SharedAccessSignature "

/* Their signatures hold '+', '/' and '=', so every encoding of these shows. */
#define HOST_TOKEN \
    WORD "sr=hub.example.com&sig=h2vs8JHfdQPD95teMZRlfUW%2F8pZWWaaDlQrYqtmHO%2BA%3D" \
         "&se=1700000000"
#define DEVICE_TOKEN \
    WORD "sr=hub.example.com%2Fdevices%2Fdev-1" \
         "&sig=zlPUzYiSsoKL3ObemsYelj%2FfN9nJ0ITuqh6uvS2mV%2Bk%3D&se=1700000003"

static const struct {
    const char *client;
    const char *token;
    const char *sr;
    const char *skn;
    int64_t expiry_s;
} sdk_tokens[] = {
    {"Node service",
     WORD "sr=hub.example.com&sig=h2vs8JHfdQPD95teMZRlfUW%2F8pZWWaaDlQrYqtmHO%2BA%3D"
          "&skn=iothubowner&se=1700000000",                                               "hub.example.com",                                "iothubowner", 1700000000},
    {"Node and Python device",                         DEVICE_TOKEN,                      "hub.example.com%2Fdevices%2Fdev-1",              "",
     1700000003                                                                                                                                                      },
    {"Python service, sig with its '/' as it is",
     WORD "sr=hub.example.com&sig=h2vs8JHfdQPD95teMZRlfUW/8pZWWaaDlQrYqtmHO%2BA%3D"
          "&se=1700000000&skn=iothubowner",                                               "hub.example.com",                                "iothubowner", 1700000000},
    {"C service, lower-case hex",
     WORD "sr=hub.example.com&sig=h2vs8JHfdQPD95teMZRlfUW%2f8pZWWaaDlQrYqtmHO%2bA%3d"
          "&se=1700000000&skn=iothubowner",                                               "hub.example.com",                                "iothubowner", 1700000000},
    {"C device, nothing encoded in sr, empty skn",
     WORD "sr=hub.example.com/devices/dev-1"
          "&sig=Di%2fPXO%2bAxTO%2fjJO7vZT1v4MZLaUohX4Dq438j7b56Z0%3d&se=1700000003&skn=", "hub.example.com/devices/dev-1",                  "",            1700000003},
    {"C# device, lower-case hex in sr",
     WORD "sr=hub.example.com%2fdevices%2fdev-1"
          "&sig=SlEuHfnL6xIutaxTlZHDPRy0YzMOgK%2FCnF2SH%2Btfedw%3D&se=1700000000",        "hub.example.com%2fdevices%2fdev-1",              "",            1700000000},
    {"C# service, fields as old documents order them",
     WORD "sig=h2vs8JHfdQPD95teMZRlfUW%2F8pZWWaaDlQrYqtmHO%2BA%3D&se=1700000000"
          "&skn=service&sr=hub.example.com",                                              "hub.example.com",                                "service",     1700000000},
    {"Azure IoT Explorer, Event Hubs",
     WORD "sr=hub.example.com%2Fmessages%2Fevents"
          "&sig=OSqXiClVnzp%2FGm8aWROR2XZ%2BLnzVVRwcza51rqu2RkM%3D&se=1700000001"
          "&skn=iothubowner",                                                             "hub.example.com%2Fmessages%2Fevents",            "iothubowner", 1700000001},
    {"Event Hubs clients",
     WORD "sr=sb%3A%2F%2Fhub.example.com%2Fmessages%2Fevents"
          "&sig=4rLw6TgwiDEd9XGO4%2FTL36nwhn3%2BjqIJq8r%2FivNxFPA%3D&se=1700000001"
          "&skn=iothubowner",                                                             "sb%3A%2F%2Fhub.example.com%2Fmessages%2Fevents", "iothubowner", 1700000001},
    {"a module, its id encoded in an sr that is not",
     WORD "sr=hub.example.com/devices/dev-1/modules/mod%201"
          "&sig=RsoBd7Nxvis5uy%2Buavtuy%2BeC8Fd%2FqakMULE1bUEDinM%3D&se=1700000002",      "hub.example.com/devices/dev-1/modules/mod%201",  "",            1700000002},
    {"a signature that nobody encoded",
     WORD "sr=hub.example.com&sig=h2vs8JHfdQPD95teMZRlfUW/8pZWWaaDlQrYqtmHO+A="
          "&se=1700000000",                                                               "hub.example.com",                                "",            1700000000},
    {"a form decoder made a blank of '+'",
     WORD "sr=hub.example.com&sig=h2vs8JHfdQPD95teMZRlfUW/8pZWWaaDlQrYqtmHO A="
          "&se=1700000000",                                                               "hub.example.com",                                "",            1700000000},
    {"a fraction in se, field names in capitals",
     WORD "SR=hub.example.com&Sig=jsMpGoB5HQawN%2FNGO90SSe0umdEE0oUDIesqHvCFONE%3D"
          "&SE=1700000000.5",                                                             "hub.example.com",                                "",            1700000000},
    {"an encoded point in se",
     WORD "sr=hub.example.com&sig=RMhJzqMIUioO6LFBDhO%2BQ7%2BWKMcLKa8%2BMhpdNp2AyEQ%3D"
          "&se=1700000000%2E5",                                                           "hub.example.com",                                "",            1700000000},
};

static void check_slice(struct slice s, const char *text)
{
    if (!slice_equal_text(s, text)) {
        fail_msg("\"%.*s\" is not \"%s\"", SLICE_ARG(s), text);
    }
}

static struct sas_token parse(const char *text)
{
    struct sas_token token = {0};

    if (!sas_token_parse(slice_of(text), &token)) {
        fail_msg("refused: %s", text);
    }
    return token;
}

static void tokens_of_every_sdk_are_accepted(void **state)
{
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(sdk_tokens); i++) {
        struct sas_token token = parse(sdk_tokens[i].token);
        check_slice(token.sr, sdk_tokens[i].sr);
        check_slice(token.skn, sdk_tokens[i].skn);
        assert_int_equal(token.expiry_s, sdk_tokens[i].expiry_s);
        if (!sas_token_is_signed_by(&token, KEY)) {
            fail_msg("the signature of \"%s\" is refused", sdk_tokens[i].client);
        }
        assert_false(sas_token_is_signed_by(&token, OTHER_KEY));
    }
}

static void a_token_is_fresh_until_the_skew_ends(void **state)
{
    (void)state;
    struct sas_token token = parse(HOST_TOKEN);

    assert_true(sas_token_is_fresh(&token, 0));
    assert_true(sas_token_is_fresh(&token, 1700000000000));
    assert_true(sas_token_is_fresh(&token, (1700000000 + 299) * 1000LL));
    assert_true(sas_token_is_fresh(&token, (1700000000 + 300) * 1000LL - 1));
    assert_false(sas_token_is_fresh(&token, (1700000000 + 300) * 1000LL));
    assert_false(sas_token_is_fresh(&token, INT64_MAX));
}

static void any_change_of_the_signature_is_noticed(void **state)
{
    (void)state;
    static const char sig[] = "h2vs8JHfdQPD95teMZRlfUW/8pZWWaaDlQrYqtmHO+A=";

    for (size_t i = 0; i < sizeof(sig) - 2; i++) {
        char changed[sizeof(sig)];
        struct sas_token token = parse(HOST_TOKEN);
        memcpy(changed, sig, sizeof(sig));
        token.sig = slice_of(changed);
        assert_true(sas_token_is_signed_by(&token, KEY));
        changed[i] = changed[i] == 'Q' ? 'g' : 'Q';
        assert_false(sas_token_is_signed_by(&token, KEY));
    }
}

static void sr_and_se_are_signed_as_they_stand(void **state)
{
    (void)state;
    static const char *const cases[] = {
        WORD "sr=HUB.example.com&sig=h2vs8JHfdQPD95teMZRlfUW%2F8pZWWaaDlQrYqtmHO%2BA%3D"
             "&se=1700000000",
        WORD "sr=hub%2Eexample.com&sig=h2vs8JHfdQPD95teMZRlfUW%2F8pZWWaaDlQrYqtmHO%2BA%3D"
             "&se=1700000000",
        WORD "sr=hub.example.com&sig=h2vs8JHfdQPD95teMZRlfUW%2F8pZWWaaDlQrYqtmHO%2BA%3D"
             "&se=1700000001",
        WORD "sr=hub.example.com&sig=h2vs8JHfdQPD95teMZRlfUW%2F8pZWWaaDlQrYqtmHO%2BA%3D"
             "&se=1700000000.0",
        WORD "sr=hub.example.com/devices/dev-1"
             "&sig=zlPUzYiSsoKL3ObemsYelj%2FfN9nJ0ITuqh6uvS2mV%2Bk%3D&se=1700000003",
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct sas_token token = parse(cases[i]);
        assert_false(sas_token_is_signed_by(&token, KEY));
    }
}

static void a_signature_that_is_no_digest_is_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "x",
        "====",
        "!!!!",
        "%%%",
        "h2vs8JHfdQPD95teMZRlfUW/8pZWWaaDlQrYqtmHO+A",
        "h2vs8JHfdQPD95teMZRlfUW/8pZWWaaDlQrYqtmHO+A==",
        "h2vs8JHfdQPD95teMZRlfUW_8pZWWaaDlQrYqtmHO-A=",
        "h2vs8JHfdQPD95teMZRlfUW/8pZWWaaDlQrYqtmHO%20%20A=",
        /* The first 30 bytes, and the digest with one byte behind it. */
        "h2vs8JHfdQPD95teMZRlfUW/8pZWWaaDlQrYqtmH",
        "h2vs8JHfdQPD95teMZRlfUW/8pZWWaaDlQrYqtmHO+AA",
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct sas_token token = parse(HOST_TOKEN);
        token.sig = slice_of(cases[i]);
        assert_false(sas_token_is_signed_by(&token, KEY));
    }
}

static void a_key_that_is_no_key_matches_nothing(void **state)
{
    (void)state;
    struct sas_token token = parse(HOST_TOKEN);
    /* HMAC under a key of no bytes. */
    struct sas_token unkeyed =
        parse(WORD "sr=hub.example.com&sig=RFoA%2Fmw7CygNxkAkeb0H6EdJwsL3amx%2BQwAc%2FxUSJak%3D"
                   "&se=1700000000");

    assert_false(sas_token_is_signed_by(&token, SLICE("not base64!")));
    assert_false(sas_token_is_signed_by(&unkeyed, SLICE("")));
}

static void what_is_no_token_is_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "SharedAccessSignature",
        WORD,
        "sr=h&sig=c2ln&se=1700000000",
        "Bearer sr=h&sig=c2ln&se=1700000000",
        "sharedaccesssignature sr=h&sig=c2ln&se=1700000000",
        "SharedAccessSignature\tsr=h&sig=c2ln&se=1700000000",
        " " WORD "sr=h&sig=c2ln&se=1700000000",
        WORD " sr=h&sig=c2ln&se=1700000000",
        WORD "sig=c2ln&se=1700000000",
        WORD "sr=h&se=1700000000",
        WORD "sr=h&sig=c2ln",
        WORD "sr=&sig=c2ln&se=1700000000",
        WORD "sr=h&sig=&se=1700000000",
        WORD "sr=h&sig=c2ln&se=",
        WORD "sr=h&sig=c2ln&se=1700000000&se=1700000000",
        WORD "sr=h&sr=h&sig=c2ln&se=1700000000",
        WORD "sr=h&SR=i&sig=c2ln&se=1700000000",
        WORD "sr=h&sig=c2ln&sig=c2ln&se=1700000000",
        WORD "sr=h&sig=c2ln&se=1700000000&skn=&skn=p",
        WORD "sr=h&sig=c2ln&se=1700000000&skn",
        WORD "sr=h&&sig=c2ln&se=1700000000",
        WORD "sr=h&sig=c2ln&se=soon",
        WORD "sr=h&sig=c2ln&se=-1",
        WORD "sr=h&sig=c2ln&se=+1700000000",
        WORD "sr=h&sig=c2ln&se= 1700000000",
        WORD "sr=h&sig=c2ln&se=1700000000x",
        WORD "sr=h&sig=c2ln&se=1700000000.",
        WORD "sr=h&sig=c2ln&se=1700000000.5.5",
        WORD "sr=h&sig=c2ln&se=.5",
        WORD "sr=h&sig=c2ln&se=1e9",
        WORD "sr=h&sig=c2ln&se=0x65",
        WORD "sr=h&sig=c2ln&se=nan",
        WORD "sr=h&sig=c2ln&se=253402300800",
        WORD "sr=h&sig=c2ln&se=9223372036854775807",
        WORD "sr=h&sig=c2ln&se=99999999999999999999999999",
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct sas_token token = {.expiry_s = 77};
        if (sas_token_parse(slice_of(cases[i]), &token)) {
            fail_msg("accepted: %s", cases[i]);
        }
        assert_int_equal(token.expiry_s, 77);
    }
}

static void unknown_fields_are_skipped(void **state)
{
    (void)state;
    struct sas_token token = parse(HOST_TOKEN "&new=1&x=");

    assert_true(sas_token_is_signed_by(&token, KEY));
}

static void a_text_of_more_than_the_limit_is_no_token(void **state)
{
    (void)state;
    struct sas_token token;
    struct buf text;

    buf_init(&text, SAS_TOKEN_MAX_BYTES + 1);
    buf_put_text(&text, HOST_TOKEN "&pad=");
    while (text.len < SAS_TOKEN_MAX_BYTES) {
        buf_put_char(&text, 'x');
    }
    assert_true(sas_token_parse(buf_slice(&text), &token));
    buf_put_char(&text, 'x');
    assert_false(sas_token_parse(buf_slice(&text), &token));
    buf_finish(&text);
}

static void a_written_token_matches_the_reference(void **state)
{
    (void)state;
    struct buf out;

    buf_init(&out, SAS_TOKEN_MAX_BYTES);
    assert_true(sas_token_write(&out, SLICE("hub.example.com"), KEY, SLICE(""), 1700000000));
    assert_string_equal(buf_text(&out), HOST_TOKEN);
    buf_reset(&out);
    assert_true(sas_token_write(&out, SLICE("hub.example.com/devices/dev-1"), KEY, SLICE(""),
                                1700000003));
    assert_string_equal(buf_text(&out), DEVICE_TOKEN);
    buf_reset(&out);
    assert_true(
        sas_token_write(&out, SLICE("hub.example.com"), KEY, SLICE("my policy@x"), 1700000000));
    assert_string_equal(buf_text(&out), HOST_TOKEN "&skn=my%20policy%40x");
    buf_finish(&out);
}

static void a_written_token_verifies(void **state)
{
    (void)state;
    struct sas_token token;
    struct buf out;

    buf_init(&out, SAS_TOKEN_MAX_BYTES);
    assert_true(sas_token_write(&out, SLICE("h/devices/a b+c%"), KEY, SLICE("p"), 5));
    assert_true(sas_token_parse(buf_slice(&out), &token));
    check_slice(token.sr, "h%2Fdevices%2Fa%20b%2Bc%25");
    check_slice(token.skn, "p");
    assert_int_equal(token.expiry_s, 5);
    assert_true(sas_token_is_signed_by(&token, KEY));
    assert_false(sas_token_is_signed_by(&token, OTHER_KEY));
    buf_finish(&out);
}

static void nothing_is_written_under_a_bad_key_or_past_the_cap(void **state)
{
    (void)state;
    struct buf out;

    buf_init(&out, 20);
    buf_put_text(&out, "x");
    assert_false(sas_token_write(&out, SLICE("h"), SLICE("bad key"), SLICE(""), 5));
    assert_false(sas_token_write(&out, SLICE("h"), SLICE(""), SLICE(""), 5));
    assert_string_equal(buf_text(&out), "x");
    assert_false(out.failed);
    assert_false(sas_token_write(&out, SLICE("h"), KEY, SLICE(""), 5));
    assert_true(out.failed);
    buf_finish(&out);
}

static void the_hmac_matches_rfc_4231(void **state)
{
    (void)state;
    unsigned char digest[32];
    static const char expected[] = "\x5b\xdc\xc1\x46\xbf\x60\x75\x4e\x6a\x04\x24\x26\x08\x95"
                                   "\x75\xc7\x5a\x00\x3f\x08\x9d\x27\x39\x83\x9d\xec\x58\xb9"
                                   "\x64\xec\x38\x43";

    /* Test case 2; the key is "Jefe". */
    assert_true(
        sas_hmac_sha256(SLICE("SmVmZQ=="), SLICE("what do ya want for nothing?"), digest));
    assert_memory_equal(digest, expected, sizeof(digest));
    assert_true(sas_hmac_sha256(SLICE("SmVmZQ=="), SLICE(""), digest));
    assert_false(sas_hmac_sha256(SLICE("SmVmZQ="), SLICE("x"), digest));
    assert_false(sas_hmac_sha256(SLICE(""), SLICE("x"), digest));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_of_every_sdk_are_accepted),
        cmocka_unit_test(a_token_is_fresh_until_the_skew_ends),
        cmocka_unit_test(any_change_of_the_signature_is_noticed),
        cmocka_unit_test(sr_and_se_are_signed_as_they_stand),
        cmocka_unit_test(a_signature_that_is_no_digest_is_refused),
        cmocka_unit_test(a_key_that_is_no_key_matches_nothing),
        cmocka_unit_test(what_is_no_token_is_refused),
        cmocka_unit_test(unknown_fields_are_skipped),
        cmocka_unit_test(a_text_of_more_than_the_limit_is_no_token),
        cmocka_unit_test(a_written_token_matches_the_reference),
        cmocka_unit_test(a_written_token_verifies),
        cmocka_unit_test(nothing_is_written_under_a_bad_key_or_past_the_cap),
        cmocka_unit_test(the_hmac_matches_rfc_4231),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
