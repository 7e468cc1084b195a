/*
 * Checking the devices of the configuration file.
 * Source of the rules: IoT Hub documentation, "Identity registry", device and module identity
 * properties.
 */
#include "server/seed_check.h"

#include <string.h>

#include "iothub/identity.h"
#include "iothub/json.h"
#include "iothub/limits.h"
#include "server/checks.h"

#define SHA1_HEX_CHARS   40
#define SHA256_HEX_CHARS 64

static const char *check_id(const json_t *value)
{
    return identity_is_valid_id(json_string_slice(value))
               ? NULL
               : "expected 1 to 128 ASCII letters, digits and - : . + % _ # * ? ! ( ) , = @ ; "
                 "$ '";
}

static const char *check_status(const json_t *value)
{
    struct slice word = json_string_slice(value);
    return slice_equal_text(word, "enabled") || slice_equal_text(word, "disabled")
               ? NULL
               : "expected enabled or disabled";
}

/* Bytes that begin a character of UTF-8. */
static const char *check_short_text(const json_t *value)
{
    struct slice text = json_string_slice(value);
    size_t n_chars = 0;
    for (size_t i = 0; i < text.len; i++) {
        n_chars += ((unsigned char)text.data[i] & 0xc0) != 0x80;
    }
    return n_chars <= LIMIT_STATUS_REASON_CHARS ? NULL : "expected at most 128 characters";
}

static const char *check_type(const json_t *value)
{
    struct slice word = json_string_slice(value);
    return slice_equal_text(word, "sas") || slice_equal_text(word, "selfSigned") ||
                   slice_equal_text(word, "certificateAuthority")
               ? NULL
               : "expected sas, selfSigned or certificateAuthority";
}

static const char *check_key(const json_t *value)
{
    return check_shared_key(json_string_slice(value));
}

static const char *check_thumbprint(const json_t *value)
{
    struct slice text = json_string_slice(value);
    bool is_good = text.len == SHA1_HEX_CHARS || text.len == SHA256_HEX_CHARS;
    for (size_t i = 0; is_good && i < text.len; i++) {
        char c = text.data[i];
        is_good = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    }
    return is_good ? NULL : "expected 40 or 64 hex digits without separators";
}

static const struct config_member key_members[] = {
    {"primaryKey",   CONFIG_TEXT_OR_NULL, false, check_key, NULL},
    {"secondaryKey", CONFIG_TEXT_OR_NULL, false, check_key, NULL},
};
static const struct config_record key_record = {key_members, ARRAY_LEN(key_members)};

static const struct config_member thumbprint_members[] = {
    {"primaryThumbprint",   CONFIG_TEXT_OR_NULL, false, check_thumbprint, NULL},
    {"secondaryThumbprint", CONFIG_TEXT_OR_NULL, false, check_thumbprint, NULL},
};
static const struct config_record thumbprint_record = {thumbprint_members,
                                                       ARRAY_LEN(thumbprint_members)};

static const struct config_member authentication_members[] = {
    {"type",           CONFIG_TEXT,   false, check_type, NULL              },
    {"symmetricKey",   CONFIG_RECORD, false, NULL,       &key_record       },
    {"x509Thumbprint", CONFIG_RECORD, false, NULL,       &thumbprint_record},
};
static const struct config_record authentication_record = {authentication_members,
                                                           ARRAY_LEN(authentication_members)};

static const struct config_member capabilities_members[] = {
    {"iotEdge", CONFIG_FLAG, false, NULL, NULL},
};
static const struct config_record capabilities_record = {capabilities_members,
                                                         ARRAY_LEN(capabilities_members)};

static const struct config_member properties_members[] = {
    {"desired",  CONFIG_ANY_OBJECT, false, NULL, NULL},
    {"reported", CONFIG_ANY_OBJECT, false, NULL, NULL},
};
static const struct config_record properties_record = {properties_members,
                                                       ARRAY_LEN(properties_members)};

static const struct config_member module_members[] = {
    {"moduleId",       CONFIG_TEXT,         true,  check_id,         NULL                  },
    {"managedBy",      CONFIG_TEXT_OR_NULL, false, check_short_text, NULL                  },
    {"authentication", CONFIG_RECORD,       false, NULL,             &authentication_record},
    {"tags",           CONFIG_ANY_OBJECT,   false, NULL,             NULL                  },
    {"properties",     CONFIG_RECORD,       false, NULL,             &properties_record    },
};
static const struct config_record module_record = {module_members, ARRAY_LEN(module_members)};

static const struct config_member device_members[] = {
    {"deviceId",       CONFIG_TEXT,         true,  check_id,         NULL                  },
    {"status",         CONFIG_TEXT,         false, check_status,     NULL                  },
    {"statusReason",   CONFIG_TEXT_OR_NULL, false, check_short_text, NULL                  },
    {"authentication", CONFIG_RECORD,       false, NULL,             &authentication_record},
    {"capabilities",   CONFIG_RECORD,       false, NULL,             &capabilities_record  },
    {"tags",           CONFIG_ANY_OBJECT,   false, NULL,             NULL                  },
    {"properties",     CONFIG_RECORD,       false, NULL,             &properties_record    },
    {"modules",        CONFIG_RECORDS,      false, NULL,             &module_record        },
};
const struct config_record device_record = {device_members, ARRAY_LEN(device_members)};

static bool is_set(const json_t *object, const char *name)
{
    return json_string_slice(json_object_get(object, name)).len > 0;
}

/* Rules that tie several members, in one place of a list. */
static bool check_authentication(const struct config_file *file, const struct json_path *path,
                                 const json_t *item, struct buf *error)
{
    struct json_path authentication = {path, "authentication", 0};
    struct json_path keys = {&authentication, "symmetricKey", 0};
    const json_t *json = json_object_get(item, "authentication");
    const json_t *symmetric = json_object_get(json, "symmetricKey");
    const char *type = json_string_value(json_object_get(json, "type"));
    bool has_primary = is_set(symmetric, "primaryKey");
    bool has_secondary = is_set(symmetric, "secondaryKey");
    if (has_primary != has_secondary) {
        return config_file_mistake(file, &keys, error, "expected both keys or none");
    }
    if (has_primary && type != NULL && strcmp(type, "sas") != 0) {
        return config_file_mistake(file, &keys, error, "keys do not go with type %s", type);
    }
    return true;
}

/* A kind of list whose items are told apart by an id. */
struct list {
    const char *id;
    bool (*check_item)(const struct config_file *file, const struct json_path *path,
                       const json_t *item, struct buf *error);
};

/* An id must not come twice in its list; `seen` holds where each was seen first. */
static bool check_repetition(const struct config_file *file, const struct json_path *path,
                             const json_t *item, const struct list *kind, json_t *seen,
                             struct buf *error)
{
    struct json_path id_path = {path, kind->id, 0};
    const char *id = json_string_value(json_object_get(item, kind->id));
    const json_t *earlier = json_object_get(seen, id);
    if (earlier != NULL) {
        return config_file_mistake(file, &id_path, error, "'%s' is the id of %s[%lld] already",
                                   id, path->up->member,
                                   (long long)json_integer_value(earlier));
    }
    return json_object_set_new(seen, id, json_integer((json_int_t)path->index)) == 0;
}

static bool check_list(const struct config_file *file, const struct json_path *path,
                       const json_t *list, const struct list *kind, struct buf *error)
{
    json_t *seen = json_object();
    bool is_good = true;
    for (size_t i = 0; is_good && i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        struct json_path element = {path, NULL, i};
        is_good = check_repetition(file, &element, item, kind, seen, error) &&
                  check_authentication(file, &element, item, error) &&
                  (kind->check_item == NULL || kind->check_item(file, &element, item, error));
    }
    json_decref(seen);
    return is_good;
}

static bool check_device(const struct config_file *file, const struct json_path *path,
                         const json_t *item, struct buf *error)
{
    static const struct list modules = {"moduleId", NULL};
    struct json_path below = {path, "modules", 0};
    const json_t *list = json_object_get(item, "modules");
    if (json_array_size(list) > LIMIT_MODULES_PER_DEVICE) {
        return config_file_mistake(file, &below, error, "a device has at most %d modules",
                                   LIMIT_MODULES_PER_DEVICE);
    }
    return check_list(file, &below, list, &modules, error);
}

bool seed_check(const struct config_file *file, struct buf *error)
{
    static const struct list devices = {"deviceId", check_device};
    struct json_path path = {NULL, "devices", 0};
    const json_t *list = json_object_get(file->root, "devices");
    if (list == NULL) {
        return true;
    }
    return config_file_check_list(file, &path, list, &device_record, error) &&
           check_list(file, &path, list, &devices, error);
}
