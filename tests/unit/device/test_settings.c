/*
 * Options and credentials: what a client calls itself, what it signs, and what it refuses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/coding.h"
#include "base/macros.h"
#include "device/src/credential.h"
#include "device/src/settings.h"
#include "iothub/sas_token.h"

#define KEY    "MDEyMzQ1Njc4OWFiY2RlZg=="
#define DEVICE "HostName=hub.example.net;DeviceId=dev-1;SharedAccessKey=" KEY
#define MODULE "HostName=hub.example.net;DeviceId=dev-1;ModuleId=mod;SharedAccessKey=" KEY

/* Settings that must be fine; the caller finishes them. */
static struct settings make(const struct iothub_device_options *options)
{
    struct settings settings = {0};
    struct buf error;
    buf_init(&error, BUF_CAP_OWN);
    enum iothub_status status = settings_init(options, &error, &settings);
    if (status != IOTHUB_OK) {
        fail_msg("%d: %s", (int)status, buf_text(&error));
    }
    buf_finish(&error);
    return settings;
}

static void assert_refused(const struct iothub_device_options *options,
                           enum iothub_status wanted, const char *part)
{
    struct settings settings = {0};
    struct buf error;
    buf_init(&error, BUF_CAP_OWN);
    assert_int_equal(settings_init(options, &error, &settings), wanted);
    if (strstr(buf_text(&error), part) == NULL) {
        fail_msg("\"%s\" does not speak of \"%s\"", buf_text(&error), part);
    }
    assert_null(strstr(buf_text(&error), KEY));
    buf_finish(&error);
}

static void device_names_itself_as_the_sdks_do(void **state)
{
    (void)state;
    struct settings s = make(&(struct iothub_device_options){.connection_string = DEVICE});
    assert_string_equal(s.client_id, "dev-1");
    assert_string_equal(s.user_name,
                        "hub.example.net/dev-1/?api-version=2021-04-12&DeviceClientType="
                        "libiothub_device%2F" IOTHUB_VERSION);
    settings_finish(&s);
}

static void module_names_device_and_module(void **state)
{
    (void)state;
    struct settings s = make(&(struct iothub_device_options){.connection_string = MODULE});
    assert_string_equal(s.client_id, "dev-1/mod");
    assert_ptr_equal(strstr(s.user_name, "hub.example.net/dev-1/mod/?api-version="),
                     s.user_name);
    settings_finish(&s);
}

static void model_and_product_are_encoded_in_the_user_name(void **state)
{
    (void)state;
    struct settings s = make(&(struct iothub_device_options){
        .connection_string = DEVICE, .model_id = "dtmi:a:b;1", .product_info = "x&y"});
    assert_string_equal(
        s.user_name, "hub.example.net/dev-1/?api-version=2021-04-12&model-id=dtmi%3Aa%3Ab%3B1"
                     "&DeviceClientType=libiothub_device%2F" IOTHUB_VERSION "%20x%26y");
    settings_finish(&s);
}

static void defaults_are_those_of_the_sdks(void **state)
{
    (void)state;
    struct settings s = make(&(struct iothub_device_options){.connection_string = DEVICE});
    assert_int_equal(s.port, 8883);
    assert_int_equal(s.keep_alive_s, 240);
    assert_int_equal(s.token_lifetime_s, 3600);
    assert_false(s.is_clean_session);
    assert_false(s.is_plain);
    assert_string_equal(s.address, "hub.example.net");
    assert_string_equal(s.server_name, "hub.example.net");
    settings_finish(&s);
}

static void plain_means_port_1883(void **state)
{
    (void)state;
    struct settings s =
        make(&(struct iothub_device_options){.connection_string = DEVICE, .is_plain = true});
    assert_int_equal(s.port, 1883);
    settings_finish(&s);
}

static void address_changes_neither_the_user_name_nor_the_certificates_name(void **state)
{
    (void)state;
    struct settings s = make(&(struct iothub_device_options){
        .connection_string = DEVICE, .address = "127.0.0.1", .port = 4711});
    assert_string_equal(s.address, "127.0.0.1");
    assert_string_equal(s.server_name, "hub.example.net");
    assert_ptr_equal(strstr(s.user_name, "hub.example.net/"), s.user_name);
    assert_int_equal(s.port, 4711);
    settings_finish(&s);
}

static void gateway_is_connected_to_in_the_hubs_name(void **state)
{
    (void)state;
    struct settings s = make(&(struct iothub_device_options){.connection_string = DEVICE
                                                             ";GatewayHostName=edge.local"});
    assert_string_equal(s.address, "edge.local");
    assert_string_equal(s.server_name, "edge.local");
    assert_ptr_equal(strstr(s.user_name, "hub.example.net/"), s.user_name);
    settings_finish(&s);
}

/* The token of a connection string, parsed; the text is the caller's. */
static char *sign(const char *connection_string, struct sas_token *token)
{
    struct settings s =
        make(&(struct iothub_device_options){.connection_string = connection_string});
    struct buf out;
    buf_init(&out, SAS_TOKEN_MAX_BYTES);
    assert_true(credential_put_token(&out, &s.cs, 1700000000));
    settings_finish(&s);
    char *text = buf_take_text(&out);
    assert_true(sas_token_parse(slice_of(text), token));
    return text;
}

static void assert_resource(const struct sas_token *token, const char *wanted)
{
    struct buf resource;
    buf_init(&resource, BUF_CAP_OWN);
    percent_decode(&resource, token->sr);
    assert_string_equal(buf_text(&resource), wanted);
    buf_finish(&resource);
}

static void device_token_speaks_for_the_device_alone(void **state)
{
    (void)state;
    struct sas_token token;
    char *text = sign(DEVICE, &token);
    assert_resource(&token, "hub.example.net/devices/dev-1");
    assert_int_equal(token.expiry_s, 1700000000);
    assert_int_equal(token.skn.len, 0);
    assert_true(sas_token_is_signed_by(&token, SLICE(KEY)));
    free(text);
}

static void module_token_names_the_module(void **state)
{
    (void)state;
    struct sas_token token;
    char *text = sign(MODULE, &token);
    assert_resource(&token, "hub.example.net/devices/dev-1/modules/mod");
    free(text);
}

static void policy_token_names_the_policy(void **state)
{
    (void)state;
    struct sas_token token;
    char *text =
        sign("HostName=h;DeviceId=d;SharedAccessKeyName=device;SharedAccessKey=" KEY, &token);
    assert_resource(&token, "h/devices/d");
    assert_true(slice_equal_text(token.skn, "device"));
    free(text);
}

static void odd_ids_are_encoded_once_more_than_the_resource(void **state)
{
    (void)state;
    struct sas_token token;
    char *text = sign("HostName=h;DeviceId=a%41b;SharedAccessKey=" KEY, &token);
    assert_resource(&token, "h/devices/a%2541b");
    free(text);
}

static void given_signature_is_not_signed_again(void **state)
{
    (void)state;
    struct settings s = make(&(struct iothub_device_options){
        .connection_string = "HostName=h;DeviceId=d;SharedAccessSignature="
                             "SharedAccessSignature sr=h&sig=x&se=1"});
    struct buf out;
    buf_init(&out, SAS_TOKEN_MAX_BYTES);
    assert_false(credential_put_token(&out, &s.cs, 1));
    assert_int_equal(out.len, 0);
    settings_finish(&s);
}

static void renewal_lies_between_80_and_85_percent(void **state)
{
    (void)state;
    struct renewal renewal = renewal_of(1000, 3600);
    assert_int_equal(renewal.from_ms, 1000 + 2880000);
    assert_int_equal(renewal.until_ms, 1000 + 3060000);
}

static void bad_connection_strings_are_refused(void **state)
{
    (void)state;
    assert_refused(&(struct iothub_device_options){0}, IOTHUB_BAD_CONNECTION_STRING,
                   "connection string");
    assert_refused(&(struct iothub_device_options){.connection_string = "HostName=h"},
                   IOTHUB_BAD_CONNECTION_STRING, "");
    assert_refused(
        &(struct iothub_device_options){
            .connection_string = "HostName=h;SharedAccessKeyName=p;SharedAccessKey=" KEY},
        IOTHUB_BAD_CONNECTION_STRING, "");
}

static void numbers_out_of_range_are_refused_by_name(void **state)
{
    (void)state;
    struct iothub_device_options options = {.connection_string = DEVICE};
    options.keep_alive_s = 4;
    assert_refused(&options, IOTHUB_BAD_ARGUMENT, "keep_alive_s");
    options.keep_alive_s = 1768;
    assert_refused(&options, IOTHUB_BAD_ARGUMENT, "keep_alive_s");
    options = (struct iothub_device_options){.connection_string = DEVICE, .max_sends = 30001};
    assert_refused(&options, IOTHUB_BAD_ARGUMENT, "max_sends");
    options = (struct iothub_device_options){.connection_string = DEVICE, .backoff_min_ms = -1};
    assert_refused(&options, IOTHUB_BAD_ARGUMENT, "backoff_min_ms");
}

static void x509_needs_both_files_and_tls(void **state)
{
    (void)state;
    struct iothub_device_options options = {
        .connection_string = "HostName=h;DeviceId=d;x509=true"};
    assert_refused(&options, IOTHUB_BAD_ARGUMENT, "certificate");
    options.certificate_file = "c.pem";
    assert_refused(&options, IOTHUB_BAD_ARGUMENT, "key file");
    options.key_file = "k.pem";
    options.is_plain = true;
    assert_refused(&options, IOTHUB_BAD_ARGUMENT, "TLS");
    options.is_plain = false;
    struct settings s = make(&options);
    settings_finish(&s);
}

static void settings_are_their_own(void **state)
{
    (void)state;
    char text[] = DEVICE;
    char address[] = "10.0.0.1";
    struct settings s =
        make(&(struct iothub_device_options){.connection_string = text, .address = address});
    memset(text, 'x', sizeof(text) - 1);
    memset(address, 'x', sizeof(address) - 1);
    assert_string_equal(s.cs.device_id, "dev-1");
    assert_string_equal(s.address, "10.0.0.1");
    settings_finish(&s);
    settings_finish(&s);
    settings_finish(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(device_names_itself_as_the_sdks_do),
        cmocka_unit_test(module_names_device_and_module),
        cmocka_unit_test(model_and_product_are_encoded_in_the_user_name),
        cmocka_unit_test(defaults_are_those_of_the_sdks),
        cmocka_unit_test(plain_means_port_1883),
        cmocka_unit_test(address_changes_neither_the_user_name_nor_the_certificates_name),
        cmocka_unit_test(gateway_is_connected_to_in_the_hubs_name),
        cmocka_unit_test(device_token_speaks_for_the_device_alone),
        cmocka_unit_test(module_token_names_the_module),
        cmocka_unit_test(policy_token_names_the_policy),
        cmocka_unit_test(odd_ids_are_encoded_once_more_than_the_resource),
        cmocka_unit_test(given_signature_is_not_signed_again),
        cmocka_unit_test(renewal_lies_between_80_and_85_percent),
        cmocka_unit_test(bad_connection_strings_are_refused),
        cmocka_unit_test(numbers_out_of_range_are_refused_by_name),
        cmocka_unit_test(x509_needs_both_files_and_tls),
        cmocka_unit_test(settings_are_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
