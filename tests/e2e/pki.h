/*
 * Certificates of a test's own: CAs, and what they sign.
 */
#ifndef E2E_PKI_H
#define E2E_PKI_H

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdbool.h>

#include "e2e/scene.h"

/* Ended by pki_finish(). */
struct pki {
    X509 *certificate;
    EVP_PKEY *key;
};

struct pki_wish {
    const char *common_name;  /* NULL: the subject has none */
    const char *second_name;  /* a further common name */
    const struct pki *issuer; /* NULL: signed by itself */
    bool is_ca;
    long begins_s; /* from now */
    long ends_s;   /* from now; 0 is in an hour */
};

void pki_make(struct pki *pki, const struct pki_wish *wish);
void pki_finish(struct pki *pki);

/* Write certificates as PEM, one after the other, into a new file of the scene. */
void pki_write(const struct scene *scene, const char *name, const struct pki *const pkis[],
               size_t n, char path[SCENE_PATH_SIZE]);

#define PKI_THUMBPRINT_SIZE 65

/* In upper-case hex, as registries have them. */
void pki_thumbprint(const struct pki *pki, const EVP_MD *how, char out[PKI_THUMBPRINT_SIZE]);

/*
 * A TLS client that shows the leaf and sends the others along.
 * @param leaf  NULL: nothing is shown.
 */
SSL_CTX *pki_client(const struct pki *leaf, const struct pki *const others[], size_t n);

#endif
