#include "testing/certificates.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdlib>

namespace aero::tests {

namespace {

void must(bool done) {
    if (!done) std::abort();  // a test without certificates shows nothing
}

std::string text_in(BIO* bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    std::string text(data, static_cast<size_t>(size));
    BIO_free(bio);
    return text;
}

std::string text_of(X509* certificate) {
    BIO* to = BIO_new(BIO_s_mem());
    must(PEM_write_bio_X509(to, certificate) == 1);
    return text_in(to);
}

void extend(X509* to, X509* issuer, int what, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, to, nullptr, nullptr, 0);
    X509_EXTENSION* made = X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str());
    must(made != nullptr && X509_add_ext(to, made, -1) == 1);
    X509_EXTENSION_free(made);
}

X509* blank(EVP_PKEY* key, const std::string& name, long serial, const wanted& what) {
    X509* made = X509_new();
    must(X509_set_version(made, 2) == 1);
    ASN1_INTEGER_set(X509_get_serialNumber(made), serial);
    X509_gmtime_adj(X509_getm_notBefore(made), what.valid_from_s);
    X509_gmtime_adj(X509_getm_notAfter(made), what.valid_to_s);
    X509_set_pubkey(made, key);
    const auto* text = reinterpret_cast<const unsigned char*>(name.c_str());
    X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_ASC, text, -1, -1, 0);
    return made;
}

}  // namespace

authority::authority(const wanted& what) : key_(EVP_EC_gen("P-256")) {
    static long number = 0;
    own_ = blank(key_, "authority " + std::to_string(++number), 1, what);
    X509_set_issuer_name(own_, X509_get_subject_name(own_));
    extend(own_, own_, NID_basic_constraints, "critical,CA:TRUE");
    extend(own_, own_, NID_key_usage, "critical,keyCertSign,cRLSign");
    must(X509_sign(own_, key_, EVP_sha256()) != 0);
    text_ = text_of(own_);
}

authority::~authority() {
    X509_free(own_);
    EVP_PKEY_free(key_);
}

identity authority::issue(const wanted& what) {
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* made = blank(key, what.name, 100 + issued_++, what);
    X509_set_issuer_name(made, X509_get_subject_name(own_));
    extend(made, own_, NID_subject_alt_name, (what.is_address ? "IP:" : "DNS:") + what.name);
    must(X509_sign(made, key_, EVP_sha256()) != 0);
    BIO* to = BIO_new(BIO_s_mem());
    const std::string& phrase = what.pass_phrase;
    const auto* bytes = reinterpret_cast<const unsigned char*>(phrase.data());
    must(PEM_write_bio_PKCS8PrivateKey(to, key, phrase.empty() ? nullptr : EVP_aes_256_cbc(),
                                       phrase.empty() ? nullptr : reinterpret_cast<const char*>(bytes),
                                       static_cast<int>(phrase.size()), nullptr, nullptr) == 1);
    identity of{text_of(made), text_in(to)};
    X509_free(made);
    EVP_PKEY_free(key);
    return of;
}

std::string authority::revoked(long count) const {
    X509_CRL* list = X509_CRL_new();
    must(X509_CRL_set_version(list, 1) == 1);
    X509_CRL_set_issuer_name(list, X509_get_subject_name(own_));
    ASN1_TIME* at = X509_gmtime_adj(nullptr, -60);
    X509_CRL_set1_lastUpdate(list, at);
    X509_gmtime_adj(at, 3600);
    X509_CRL_set1_nextUpdate(list, at);
    for (long serial = 100; serial < 100 + count; ++serial) {
        X509_REVOKED* one = X509_REVOKED_new();
        ASN1_INTEGER* number = ASN1_INTEGER_new();
        ASN1_INTEGER_set(number, serial);
        X509_REVOKED_set_serialNumber(one, number);
        X509_REVOKED_set_revocationDate(one, at);
        must(X509_CRL_add0_revoked(list, one) == 1);
        ASN1_INTEGER_free(number);
    }
    ASN1_TIME_free(at);
    must(X509_CRL_sign(list, key_, EVP_sha256()) != 0);
    BIO* to = BIO_new(BIO_s_mem());
    must(PEM_write_bio_X509_CRL(to, list) == 1);
    X509_CRL_free(list);
    return text_in(to);
}

}  // namespace aero::tests
