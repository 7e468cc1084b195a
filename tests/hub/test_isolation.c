/*
 * A device reaches its own identity and nothing else: every credential against every route and
 * every topic.  The routes are taken from the table that serves them, so a new one is covered
 * from its first day.
 * Source: IoT Hub documentation, "Control access to IoT Hub with shared access signatures" and
 * "Communicate using MQTT".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/coding.h"
#include "gateway/rest.h"
#include "hub/mail.h"

/* Its modules have a key of their own, so that the device's does not fit them by chance. */
#define KEY_MODULE KEY_SERVICE

/*
 * Devices share a key here: what keeps them apart is the resource that a token names.  The ids
 * differ by case, by an encoding, by a prefix, or look like what old tokens end with.
 */
static const struct {
    const char *id;
    const char *key;
} identities[] = {
    {"d",             KEY_FIRST },
    {"D",             KEY_FIRST },
    {"dd",            KEY_FIRST },
    {"e",             KEY_FIRST },
    {"a#b",           KEY_FIRST },
    {"a%23b",         KEY_FIRST },
    {"api-version=1", KEY_FIRST },
    {"edge",          KEY_FIRST },
    {"d/m",           KEY_MODULE},
    {"d/n",           KEY_MODULE},
    {"D/m",           KEY_MODULE},
    {"e/m",           KEY_MODULE},
    {"a#b/m",         KEY_MODULE},
    {"edge/m",        KEY_MODULE},
    {"edge/$edgeHub", NULL      },
};

#define ALL "*"

struct credential {
    const char *resource; /* behind the host; NULL: of another host */
    const char *key;
    const char *policy; /* "": the identity's own key */
    const char *opens;  /* ALL, or identities with blanks between, over MQTT and HTTPS */
    const char *owns;   /* the device whose modules it may look after over REST; NULL: none */
};

/*
 * Resources may be in lower case or encoded twice, so a token for "d" is one for "D" as well;
 * that there is no harm in it is because it must be signed with D's key.
 */
/* A row a line; the formatter would break the long ones. */
// clang-format off
static const struct credential credentials[] = {
    {"/devices/d",                 KEY_FIRST,         "",             "d D",                  "d"    },
    {"/devices/D",                 KEY_FIRST,         "",             "D",                    "D"    },
    {"/devices/dd",                KEY_FIRST,         "",             "dd",                   "dd"   },
    {"/devices/d/twins",           KEY_FIRST,         "",             "",                     NULL   },
    {"/devices/a%23b",             KEY_FIRST,         "",             "a#b a%23b",            "a%23b"},
    {"/devices/a#b",               KEY_FIRST,         "",             "a#b",                  "a#b"  },
    {"/devices/api-version=1",     KEY_FIRST,         "",             "api-version=1",        "api-version=1"   },
    {"/devices/edge",              KEY_FIRST,         "",             "edge edge/$edgeHub",   "edge" },
    {"/devices/d",                 KEY_OTHER,         "",             "",                     NULL   },
    {"",                           KEY_FIRST,         "",             "",                     NULL   },
    {"/devices",                   KEY_FIRST,         "",             "",                     NULL   },
    {"/twins/d",                   KEY_FIRST,         "",             "",                     NULL   },
    {NULL,                         KEY_FIRST,         "",             "",                     NULL   },
    {"/devices/d/modules/m",       KEY_MODULE,        "",             "d/m D/m",              NULL   },
    {"/devices/d/modules/n",       KEY_MODULE,        "",             "d/n",                  NULL   },
    {"/devices/e/modules/m",       KEY_MODULE,        "",             "e/m",                  NULL   },
    {"/devices/d/modules/m",       KEY_FIRST,         "",             "",                     NULL   },
    {"/devices/edge/modules/$edgeHub", KEY_FIRST,     "",             "edge/$edgeHub",        NULL   },
    {"/devices/edge/modules/m",    KEY_FIRST,         "",             "",                     NULL   },
    {"",                           KEY_DEVICE_POLICY, "device",       ALL,                    NULL   },
    {"/devices",                   KEY_DEVICE_POLICY, "device",       ALL,                    NULL   },
    {"/devices/e",                 KEY_DEVICE_POLICY, "device",       "e e/m",                NULL   },
    {"/devices/e/modules/m",       KEY_DEVICE_POLICY, "device",       "e/m",                  NULL   },
    {"/devices/api-version=1",     KEY_DEVICE_POLICY, "device",       "api-version=1",        NULL   },
    {"/twins",                     KEY_DEVICE_POLICY, "device",       "",                     NULL   },
    {"/jobs",                      KEY_OWNER,         "iothubowner",  "",                     NULL   },
    {NULL,                         KEY_DEVICE_POLICY, "device",       "",                     NULL   },
    {"",                           KEY_FIRST,         "device",       "",                     NULL   },
    {"",                           KEY_SERVICE,       "service",      "",                     NULL   },
    {"",                           KEY_READ,          "registryRead", "",                     NULL   },
    {"",                           KEY_READ_WRITE,    "registryReadWrite", "",                NULL   },
    {"/devices/d",                 KEY_READ_WRITE,    "registryReadWrite", "",                NULL   },
};
// clang-format on

static void make_all(struct fixture *f)
{
    for (size_t i = 0; i < ARRAY_LEN(identities); i++) {
        json_t *body = json_object();
        struct buf answer = {.cap = BUF_CAP_OWN};
        struct hub_document document = {.body = &answer};
        if (identities[i].key == NULL) {
            json_decref(body);
            continue; /* came with its device */
        }
        json_t *keys = json_pack("{s:{s:s,s:s}}", "symmetricKey", "primaryKey",
                                 identities[i].key, "secondaryKey", identities[i].key);
        assert_int_equal(json_object_set_new(body, "authentication", keys), 0);
        if (strcmp(identities[i].id, "edge") == 0) {
            (void)json_object_set_new(body, "capabilities", json_pack("{s:b}", "iotEdge", 1));
        }
        assert_int_equal(hub_identity_put(f->hub, id_of(identities[i].id), body,
                                          (struct hub_condition){0}, &document),
                         IOTHUB_OK);
        buf_finish(&answer);
        json_decref(body);
    }
    fixture_turn(f);
}

static const char *token_from(struct fixture *f, const struct credential *c)
{
    char resource[200];
    (void)snprintf(resource, sizeof(resource), "%s%s",
                   c->resource == NULL ? "other.test/devices/d" : HOST,
                   c->resource == NULL ? "" : c->resource);
    return token_for(f, resource, c->key, c->policy, 3600);
}

static bool has_word(const char *words, const char *word)
{
    struct slice rest = slice_of(words);
    struct slice one = {0};
    while (slice_next(&rest, ' ', &one)) {
        if (slice_equal_text(one, word)) {
            return true;
        }
    }
    return strcmp(words, ALL) == 0;
}

/* {} in the form stands for "devices/d" or "devices/d/modules/m". */
static char *topic_of(const char *form, const char *id)
{
    struct buf topic = {.cap = BUF_CAP_OWN};
    struct slice whole = slice_of(id);
    size_t slash = slice_find(whole, '/');
    size_t place = slice_find(slice_of(form), '{');
    buf_put(&topic, form, place);
    buf_put_text(&topic, "devices/");
    buf_put(&topic, id, slash);
    if (slash < whole.len) {
        buf_putf(&topic, "/modules/%s", id + slash + 1);
    }
    buf_put_text(&topic, form + place + strlen("{}"));
    return buf_take_text(&topic);
}

/* ---- HTTPS ------------------------------------------------------------------------------ */

/* An id for each variable segment of a route, encoded; the third and on are of no interest. */
static char *path_to(const struct rest_route *route, struct identity id)
{
    struct buf path = {.cap = BUF_CAP_OWN};
    struct slice rest = slice_of(route->path + 1);
    struct slice word = {0};
    bool follows_modules = false;
    size_t n_ids = 0;
    while (slice_next(&rest, '/', &word)) {
        buf_put_char(&path, '/');
        if (!slice_equal(word, SLICE("{}"))) {
            follows_modules = slice_equal(word, SLICE("modules"));
            buf_put_slice(&path, word);
            continue;
        }
        if (n_ids++ == 0) {
            percent_encode(&path, id.device_id);
        } else {
            percent_encode(&path, follows_modules ? id.module_id : SLICE("x"));
        }
    }
    return buf_take_text(&path);
}

static bool is_for_modules(const struct rest_route *route)
{
    return strstr(route->path, "/modules/{}") != NULL;
}

static int status_with(struct fixture *f, const struct rest_route *route, const char *path,
                       const char *token)
{
    struct mail m = {.method = route->method, .path = path, .token = token};
    m.body = slice_of(route->body == REST_NO_BODY ? NULL : "{}");
    struct reply reply = mail(f, &m);
    int status = reply.status;
    reply_end(&reply);
    return status;
}

static void check_route(struct fixture *f, const struct rest_route *route,
                        const struct credential *c, const char *target, bool may)
{
    char *path = path_to(route, id_of(target));
    int status = status_with(f, route, path, token_from(f, c));
    if ((status != 401) != may) {
        print_error("%s %s with a token for '%s' (%s) by key %s: %d\n", route->method, path,
                    c->resource == NULL ? "another host" : c->resource, c->policy, c->key,
                    status);
    }
    assert_int_equal(status != 401, may);
    free(path);
}

static void devices_routes_open_for_the_identity_they_name(void **state)
{
    struct fixture *f = *state;
    make_all(f);
    size_t n_checked = 0;
    for (size_t i = 0; i < rest_n_routes * ARRAY_LEN(identities); i++) {
        const struct rest_route *route = &rest_routes[i / ARRAY_LEN(identities)];
        const char *id = identities[i % ARRAY_LEN(identities)].id;
        if (route->rights != HUB_DEVICE_CONNECT ||
            is_for_modules(route) != (strchr(id, '/') != NULL)) {
            continue;
        }
        for (size_t c = 0; c < ARRAY_LEN(credentials); c++) {
            check_route(f, route, &credentials[c], id, has_word(credentials[c].opens, id));
            n_checked++;
        }
    }
    assert_true(n_checked > 1000);
}

/* Source: azure-iot-sdk-c, testtools/iothub_test, which makes modules with the device's key. */
static bool may_look_after(const struct rest_route *route, const struct credential *c,
                           struct identity id)
{
    return route->allows_own && c->owns != NULL && slice_equal_text(id.device_id, c->owns);
}

static void services_routes_open_for_no_identity_but_a_modules_device(void **state)
{
    struct fixture *f = *state;
    make_all(f);
    size_t n_checked = 0;
    for (size_t i = 0; i < rest_n_routes * ARRAY_LEN(identities); i++) {
        const struct rest_route *route = &rest_routes[i / ARRAY_LEN(identities)];
        const char *id = identities[i % ARRAY_LEN(identities)].id;
        if (route->rights == 0 || route->rights == HUB_DEVICE_CONNECT ||
            is_for_modules(route) != (strchr(id, '/') != NULL) || strchr(id, '$') != NULL) {
            continue;
        }
        for (size_t c = 0; c < ARRAY_LEN(credentials); c++) {
            bool is_own = credentials[c].policy[0] == '\0';
            if (is_own || strcmp(credentials[c].policy, "device") == 0) {
                check_route(f, route, &credentials[c], id,
                            is_own && may_look_after(route, &credentials[c], id_of(id)));
                n_checked++;
            }
        }
    }
    assert_true(n_checked > 1000);
}

/* ---- certificates ----------------------------------------------------------------------- */

#define THUMBPRINT_X "0123456789ABCDEF0123456789ABCDEF01234567"
#define THUMBPRINT_Y "1111111111111111111111111111111111111111"

static void make_x509(struct fixture *f)
{
    rest_done(f, 200, "PUT", "/devices/x",
              "{'authentication':{'type':'selfSigned','x509Thumbprint':{"
              "'primaryThumbprint':'" THUMBPRINT_X "'}}}");
    rest_done(f, 200, "PUT", "/devices/y",
              "{'authentication':{'type':'selfSigned','x509Thumbprint':{"
              "'primaryThumbprint':'" THUMBPRINT_Y "'}}}");
    static const char *const by_ca[] = {"/devices/c", "/devices/c/modules/m", "/devices/C",
                                        "/devices/c/modules/n"};
    for (size_t i = 0; i < ARRAY_LEN(by_ca); i++) {
        rest_done(f, 200, "PUT", by_ca[i],
                  "{'authentication':{'type':'certificateAuthority'}}");
    }
    make(f, "s");
}

static void certificate_opens_the_identity_it_is_for(void **state)
{
    static const struct {
        const char *thumbprint;
        const char *common_name;
        bool is_trusted;
        const char *opens;
    } shown[] = {
        {THUMBPRINT_X, "y",         true,  "x"  },
        {THUMBPRINT_Y, "x",         true,  "y"  },
        {THUMBPRINT_X, "s",         true,  "x"  },
        {"",           "c",         true,  "c"  },
        {"",           "C",         true,  "C"  },
        {"",           "c",         false, ""   },
        {"",           "c/m",       true,  "c/m"},
        {"",           "c/",        true,  ""   },
        {"",           "/m",        true,  ""   },
        {"",           "c/m/n",     true,  ""   },
        {"",           "c/modules", true,  ""   },
        {"",           "",          true,  ""   },
        {"",           "x",         true,  ""   },
        {"",           "s",         true,  ""   },
    };
    static const char *const ids[] = {"x", "y", "c", "C", "c/m", "c/n", "s"};
    struct fixture *f = *state;
    make_x509(f);
    for (size_t i = 0; i < ARRAY_LEN(shown) * ARRAY_LEN(ids); i++) {
        size_t s = i / ARRAY_LEN(ids);
        const char *target = ids[i % ARRAY_LEN(ids)];
        char *path = topic_of("/{}/messages/events", target);
        const struct hub_certificate certificate = {
            .thumbprints = {slice_of(shown[s].thumbprint)},
            .common_name = slice_of(shown[s].common_name),
            .is_trusted = shown[s].is_trusted,
        };
        struct reply reply = mail(
            f, &(struct mail){
                   .method = "POST", .path = path, .token = "", .certificate = &certificate});
        int want = has_word(shown[s].opens, target) ? 204 : 401;
        if (reply.status != want) {
            print_error("certificate %zu on %s: %d\n", s, target, reply.status);
        }
        assert_int_equal(reply.status, want);
        reply_end(&reply);
        free(path);
    }
}

/* ---- MQTT: who may connect -------------------------------------------------------------- */

static void connection_opens_for_the_identity_of_its_token(void **state)
{
    struct fixture *f = *state;
    make_all(f);
    for (size_t i = 0; i < ARRAY_LEN(identities) * ARRAY_LEN(credentials); i++) {
        const struct credential *c = &credentials[i % ARRAY_LEN(credentials)];
        const char *id = identities[i / ARRAY_LEN(credentials)].id;
        struct device *d = device_connect(
            f, &(struct login){.id = id, .password = token_from(f, c), .is_clean = true});
        const char *want = has_word(c->opens, id) ? "CONNACK 0" : "CONNACK 5";
        const char *heard = device_heard(d);
        if (strcmp(heard, want) != 0) {
            print_error("%s with a token for '%s' (%s): %s\n", id,
                        c->resource == NULL ? "another host" : c->resource, c->policy, heard);
        }
        assert_string_equal(heard, want);
        if (has_word(c->opens, id)) {
            device_leave(d);
        }
    }
}

/* ---- MQTT: topics that name an identity ------------------------------------------------- */

/* As topic_of() takes them. */
static const char *const published[] = {
    "{}/messages/events",
    "{}/messages/events/",
    "{}/messages/events/a=b",
    "{}/messages/events/%24.on=out&a=b/",
};

static const struct {
    const char *form;
    bool is_for_modules;
} subscribed[] = {
    {"{}/messages/devicebound",   false},
    {"{}/messages/devicebound/#", false},
    {"{}/messages/deviceBound/#", false},
    {"{}/#",                      true },
    {"{}/inputs/#",               true },
    {"{}/inputs/one/#",           true },
};

/* Whoever connects, and what else the topics name; wildcards are nobody's name. */
static const char *const named[] = {
    "d",   "D",      "dd",   "e", "d/m", "d/n", "e/m", "D/m", "edge", "edge/$edgeHub",
    "d/M", "nobody", "d/mm", "",  "d/",  "+",   "d/+", "#",   "+/m",  "d/modules/m",
};

static const char *const connected[] = {"d", "e", "d/m", "edge", "edge/$edgeHub"};

static struct device *online(struct fixture *f, const char *id)
{
    struct device *d = device_connect(
        f, &(struct login){.id = id,
                           .password = token_for(f, HOST, KEY_DEVICE_POLICY, "device", 3600),
                           .is_clean = true});
    assert_heard(d, "CONNACK 0");
    return d;
}

/* Refused means: the connection ends without a word, and nothing has happened. */
static void expect_end(struct device *d, const char *who, const char *topic)
{
    const char *heard = device_heard(d);
    if (!device_is_closed(d) || heard[0] != '\0') {
        print_error("%s: %s: %s\n", who, topic, heard);
    }
    assert_true(device_is_closed(d));
    assert_string_equal(heard, "");
}

static void check_publish(struct fixture *f, const char *who, const char *form, const char *id)
{
    struct store_event event;
    char *topic = topic_of(form, id);
    struct device *d = online(f, who);
    device_publish(d, topic, "x", 1);
    if (strcmp(who, id) != 0) {
        expect_end(d, who, topic);
        assert_no_event(f);
    } else {
        assert_heard(d, "PUBACK id 1");
        assert_true(next_event(f, &event));
        assert_true(identity_equal(event.from, id_of(id)));
        device_leave(d);
    }
    free(topic);
}

static void events_are_taken_from_the_identity_they_name(void **state)
{
    struct fixture *f = *state;
    make_all(f);
    for (size_t c = 0; c < ARRAY_LEN(connected); c++) {
        for (size_t i = 0; i < ARRAY_LEN(named) * ARRAY_LEN(published); i++) {
            const char *id = named[i / ARRAY_LEN(published)];
            /* A wildcard in a PUBLISH ends a connection by itself. */
            check_publish(f, connected[c], published[i % ARRAY_LEN(published)], id);
        }
    }
}

static void check_subscribe(struct fixture *f, const char *who, const char *form,
                            bool is_allowed, const char *id)
{
    char *filter = topic_of(form, id);
    struct mqtt_filter wanted = {.topic = slice_of(filter), .qos = 1};
    struct device *d = online(f, who);
    mqtt_put_subscribe(device_packets(d), 1, &wanted, 1);
    device_say(d);
    if (is_allowed) {
        assert_heard(d, "SUBACK id 1 0x01");
        device_leave(d);
    } else {
        expect_end(d, who, filter);
    }
    free(filter);
}

static void filters_are_granted_to_the_identity_they_name(void **state)
{
    struct fixture *f = *state;
    make_all(f);
    for (size_t c = 0; c < ARRAY_LEN(connected); c++) {
        bool is_module = strchr(connected[c], '/') != NULL;
        for (size_t i = 0; i < ARRAY_LEN(named) * ARRAY_LEN(subscribed); i++) {
            const char *id = named[i / ARRAY_LEN(subscribed)];
            size_t s = i % ARRAY_LEN(subscribed);
            check_subscribe(
                f, connected[c], subscribed[s].form,
                strcmp(id, connected[c]) == 0 && subscribed[s].is_for_modules == is_module, id);
        }
    }
}

/* One that is not granted takes the good ones of its packet with it. */
static void one_foreign_filter_among_good_ones_ends_the_connection(void **state)
{
    struct fixture *f = *state;
    make_all(f);
    struct device *d = online(f, "d");
    const struct mqtt_filter wanted[] = {
        {.topic = SLICE(METHODS)},
        {.topic = SLICE("devices/e/messages/devicebound/#")},
        {.topic = SLICE(DESIRED)},
    };
    mqtt_put_subscribe(device_packets(d), 1, wanted, ARRAY_LEN(wanted));
    device_say(d);
    expect_end(d, "d", "three filters");
}

static void will_in_anothers_name_is_not_sent(void **state)
{
    static const char *const topics[] = {
        "devices/e/messages/events/",
        "devices/d/modules/m/messages/events/",
        "devices/D/messages/events/",
        "devices/d/messages/devicebound/",
        "$iothub/twin/GET/?$rid=1",
        "$iothub/methods/POST/m/?$rid=1",
        "$iothub/twin/PATCH/properties/reported/?$rid=1",
    };
    struct fixture *f = *state;
    make_all(f);
    for (size_t i = 0; i < ARRAY_LEN(topics); i++) {
        struct device *d = device_connect(f, &(struct login){.id = "d",
                                                             .is_clean = true,
                                                             .will_topic = topics[i],
                                                             .will_payload = "{\"a\":1}"});
        if (!device_is_closed(d)) {
            device_break(d);
        }
        assert_no_event(f);
    }
    json_t *twin = get_twin(f, "d");
    assert_section(json_below(twin, "properties.reported"), "{}");
    json_decref(twin);
}

/* What a message claims about its sender is the message's; who sent it the hub knows. */
static void sender_of_an_event_is_who_is_connected(void **state)
{
    struct fixture *f = *state;
    struct store_event event;
    make_all(f);
    struct device *d = online(f, "d");
    device_publish(d,
                   "devices/d/messages/events/%24.cdid=e&%24.cmid=m&"
                   "iothub-connection-device-id=e&iothub-connection-module-id=m",
                   "x", 0);
    assert_true(next_event(f, &event));
    assert_true(identity_equal(event.from, id_of("d")));
}

/* ---- MQTT: topics that are the same for all --------------------------------------------- */

static void check_reported(struct fixture *f, const char *id, const char *want)
{
    json_t *twin = get_twin(f, id);
    assert_section(json_below(twin, "properties.reported"), want);
    json_decref(twin);
}

static void twin_requests_are_about_who_asks(void **state)
{
    static const char *const ids[] = {"d", "e", "d/m", "e/m", "D"};
    struct fixture *f = *state;
    make_all(f);
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        char body[40];
        struct device *d = online(f, ids[i]);
        device_subscribe(d, ANSWERS);
        (void)snprintf(body, sizeof(body), "{\"me\":\"%s\"}", ids[i]);
        device_publish(d, REPORTED "?$rid=1", body, 0);
        expect_publish(d, "$iothub/twin/res/204/?$rid=1&$version=2", "");
        device_publish(d, "$iothub/twin/GET/?$rid=2", "", 0);
        struct mqtt_publish answer = device_next_publish(d);
        (void)snprintf(body, sizeof(body), "\"reported\":{\"me\":\"%s\",", ids[i]);
        char *payload = slice_dup(answer.payload);
        assert_non_null(strstr(payload, body));
        free(payload);
    }
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        char want[40];
        (void)snprintf(want, sizeof(want), "{'me':'%s'}", ids[i]);
        check_reported(f, ids[i], want);
    }
    check_reported(f, "dd", "{}");
}

static void desired_changes_are_told_to_their_identity(void **state)
{
    struct fixture *f = *state;
    make_all(f);
    struct device *d = online(f, "d");
    struct device *module = online(f, "d/m");
    struct device *other = online(f, "e");
    device_subscribe(d, DESIRED);
    device_subscribe(module, DESIRED);
    device_subscribe(other, DESIRED);
    patch_twin(f, "d/m", "{'properties':{'desired':{'a':1}}}");
    expect_publish(module, "$iothub/twin/PATCH/properties/desired/?$version=2",
                   "{\"a\":1,\"$version\":2}");
    assert_heard(d, "");
    assert_heard(other, "");
}

static void method_is_answered_by_who_was_called(void **state)
{
    struct fixture *f = *state;
    struct pending call;
    make_all(f);
    struct device *d = online(f, "d");
    struct device *other = online(f, "e");
    device_subscribe(d, METHODS);
    device_subscribe(other, METHODS);
    pending_begin(
        &call, f,
        &(struct ask){.method = "POST",
                      .path = "/twins/d/methods",
                      .body = "{\"methodName\":\"m\",\"responseTimeoutInSeconds\":30}"});
    assert_heard(other, "");
    struct mqtt_publish publish = device_next_publish(d);
    struct slice rid = slice_from(publish.topic, slice_find(publish.topic, '?'));
    char topic[100];
    (void)snprintf(topic, sizeof(topic), "$iothub/methods/res/200/%.*s", SLICE_ARG(rid));
    device_publish(other, topic, "\"not me\"", 0);
    assert_false(call.exchange.is_done);
    device_publish(d, topic, "\"me\"", 0);
    struct reply reply = pending_take(&call);
    assert_string_equal(text_below(reply.json, "payload"), "me");
    reply_end(&reply);
}

/* ---- messages to devices ---------------------------------------------------------------- */

static void message_goes_to_its_device_over_either_protocol(void **state)
{
    struct fixture *f = *state;
    make_all(f);
    struct device *other = online(f, "e");
    device_want_messages(other, "devices/e/messages/devicebound/#", 1);
    assert_heard(other, "SUBACK id 1 0x01");
    post_message(f, "d", "secret", NULL);
    assert_heard(other, "");
    assert_nothing_to_fetch(f, "D");
    assert_nothing_to_fetch(f, "dd");
    struct device *d = online(f, "d");
    device_want_messages(d, "devices/d/messages/devicebound/#", 0);
    assert_heard_in_full(d, "SUBACK id 1 0x00; PUBLISH devices/d/messages/devicebound/"
                            "%24.to=%2Fdevices%2Fd%2Fmessages%2FdeviceBound=secret qos 0 id 0");
}

/* A lock's token is no capability: it is worth something to the message's device alone. */
static void lock_of_anothers_message_settles_nothing(void **state)
{
    static const enum settlement ways[] = {COMPLETE, REJECT, ABANDON};
    struct fixture *f = *state;
    make_all(f);
    post_message(f, "d", "secret", NULL);
    char *lock = fetch_lock(f, "d", "secret");
    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        assert_lock_lost(f, "e", lock, ways[i]);
        assert_lock_lost(f, "D", lock, ways[i]);
    }
    settle_take(f, "d", lock, COMPLETE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HUB_TEST(devices_routes_open_for_the_identity_they_name),
        HUB_TEST(services_routes_open_for_no_identity_but_a_modules_device),
        HUB_TEST(certificate_opens_the_identity_it_is_for),
        HUB_TEST(connection_opens_for_the_identity_of_its_token),
        HUB_TEST(events_are_taken_from_the_identity_they_name),
        HUB_TEST(filters_are_granted_to_the_identity_they_name),
        HUB_TEST(one_foreign_filter_among_good_ones_ends_the_connection),
        HUB_TEST(will_in_anothers_name_is_not_sent),
        HUB_TEST(sender_of_an_event_is_who_is_connected),
        HUB_TEST(twin_requests_are_about_who_asks),
        HUB_TEST(desired_changes_are_told_to_their_identity),
        HUB_TEST(method_is_answered_by_who_was_called),
        HUB_TEST(message_goes_to_its_device_over_either_protocol),
        HUB_TEST(lock_of_anothers_message_settles_nothing),
    };
    return cmocka_run_group_tests_name("hub.isolation", tests, NULL, NULL);
}
