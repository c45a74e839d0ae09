// Clusters of the embedded server in a process of their own: what fails in the memory of a client must not fail in
// theirs.
//
// Started by `main` before there is any thread; ends with this process. One thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace aero::test {

struct neighbour {
    static constexpr unsigned node_count = 3;
    std::vector<uint16_t> ports;          // without users and TLS
    std::vector<uint16_t> secure_ports;   // TLS
    std::vector<uint16_t> guarded_ports;  // a login as `user`
    std::vector<uint16_t> locked_ports;   // the same over TLS
    std::string authority;                // of their certificate, for "localhost"
    std::string user = "tester";          // who may do everything
    std::string password = "secret of the tester";
    std::string other = "somebody";

    static neighbour start();
    void stop_node(unsigned index) const;  // of the first cluster; returns when it is done
    void start_node(unsigned index) const;
    // No node answers for some 5 ms from now on.
    void nap() const;

  private:
    void tell(char what, unsigned index) const;
    int channel_ = -1;
    int bedside_ = -1;  // of a second process, which stops the first and lets it go on
};

}  // namespace aero::test
