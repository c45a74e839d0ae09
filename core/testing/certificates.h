// Authorities and certificates made on the spot, as PEM text. Plain functions over OpenSSL; any thread.
#pragma once

#include <memory>
#include <string>

struct x509_st;
struct evp_pkey_st;

namespace aero::tests {

struct identity {
    std::string certificate;
    std::string key;
};

struct wanted {
    std::string name = "localhost";  // DNS name, or an address with `is_address`
    bool is_address = false;
    long valid_from_s = -3600;  // from now
    long valid_to_s = 3600;
    std::string pass_phrase{};  // encrypts the key
};

class authority {
  public:
    explicit authority(const wanted& what = {});  // of which only the times count
    ~authority();
    authority(const authority&) = delete;
    authority& operator=(const authority&) = delete;

    const std::string& certificate() const noexcept { return text_; }
    identity issue(const wanted& what = {});
    // A revocation list that names the first `count` certificates issued.
    std::string revoked(long count) const;

  private:
    std::string text_;
    x509_st* own_ = nullptr;
    evp_pkey_st* key_ = nullptr;
    long issued_ = 0;
};

}  // namespace aero::tests
