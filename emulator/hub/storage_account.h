/*
 * The storage account behind the hub, as a connection string names it:
 *
 *   DefaultEndpointsProtocol=https;AccountName=a;AccountKey=…[;EndpointSuffix=core.windows.net]
 *   AccountName=a;AccountKey=…;BlobEndpoint=https://127.0.0.1:10000/a
 *   UseDevelopmentStorage=true[;DevelopmentStorageProxyUri=https://127.0.0.1]
 *
 * Names are compared without case; end points of services other than blobs are passed over.
 * Source: Azure Storage documentation, "Configure Azure Storage connection strings".
 */
#ifndef HUB_STORAGE_ACCOUNT_H
#define HUB_STORAGE_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/macros.h"
#include "base/slice.h"

/* Texts are owned; {0} is none. */
struct storage_account {
    char *name;
    char *key;  /* base64, checked to decode; secret */
    char *host; /* a name or an address, IPv6 in brackets */
    uint16_t port;
    bool has_port; /* it stands in the end point */
    char *path;    /* before the container: "/devstoreaccount1", or "" */
    bool is_tls;
};

/**
 * @param error  receives a sentence that names what is wrong, and never a value.
 * @param out    written on success only; end it with storage_account_finish().
 */
MUST_CHECK bool storage_account_parse(struct slice text, struct buf *error,
                                      struct storage_account *out);

/* Wipes the key.  NULL and {0} are allowed. */
void storage_account_finish(struct storage_account *account);

/*
 * What devices are told as the host's name: they put "https://" before and "/container" behind
 * it, so a port and a path are part of it ("127.0.0.1:10000/devstoreaccount1").
 */
void storage_account_put_host(const struct storage_account *account, struct buf *out);

/* "/devstoreaccount1/container/dir/file%20name", the blob being empty for a container. */
void storage_account_put_path(const struct storage_account *account, struct slice container,
                              struct slice blob, struct buf *out);

/* "https://host/container/dir/file%20name" */
void storage_account_put_uri(const struct storage_account *account, struct slice container,
                             struct slice blob, struct buf *out);

/* 3 to 63 lower-case letters, digits and single hyphens between them. */
bool storage_container_is_valid(struct slice name);

/*
 * 1 to 1024 characters without control characters, in at most 254 segments.  Segments "." and
 * ".." would not survive in a URL.
 * Source: Azure Storage documentation, "Naming and referencing containers, blobs and metadata".
 */
bool storage_blob_name_is_valid(struct slice name);

#endif
