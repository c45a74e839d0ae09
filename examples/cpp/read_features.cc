// Opens a client, writes a few feature records, reads one back and then all of them in one batch.
//
// usage: read_features HOST PORT [NAMESPACE]
#include <aero/client.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

int give_up(const char* what, const aero::error& why) {
    std::fprintf(stderr, "%s: %s (code %d, node %s, %u attempts)\n", what, why.text.c_str(), static_cast<int>(why.what),
                 why.node.empty() ? "-" : why.node.c_str(), why.attempts);
    return 1;
}

int64_t integer_of(const aero::record& found, const std::string& name) {
    for (const aero::bin& bin : found.bins) {
        if (bin.name != name) continue;
        if (const auto* number = bin.content.if_is<int64_t>()) return *number;
    }
    return -1;
}

int store_and_read(aero::client& client, const std::string& name_space) {
    std::vector<aero::key> keys;
    for (int64_t user = 0; user < 5; ++user) {
        keys.push_back({name_space, "example_features", "user_" + std::to_string(user)});
        const aero::bins features = {
            {"clicks", user * 10}, {"score", static_cast<double>(user) / 2}, {"country", "AT"}};
        if (const auto stored = client.put(keys.back(), features); !stored) return give_up("put", stored.error());
    }

    const auto one = client.get(keys[3]);
    if (!one) return give_up("get", one.error());
    std::printf("user_3: clicks %lld, generation %u\n", static_cast<long long>(integer_of(*one, "clicks")),
                one->generation);

    keys.push_back({name_space, "example_features", "nobody"});
    const auto all = client.batch_read(keys);
    if (!all) return give_up("batch_read", all.error());
    int64_t clicks = 0;
    size_t found = 0;
    for (const aero::batch_record& row : *all) {
        if (row.what != aero::code::ok) continue;
        clicks += integer_of(row.found, "clicks");
        ++found;
    }
    std::printf("batch: %zu of %zu records found, %lld clicks\n", found, keys.size(), static_cast<long long>(clicks));
    return found == 5 && clicks == 100 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) {
        std::fprintf(stderr, "usage: read_features HOST PORT [NAMESPACE]\n");
        return 2;
    }
    aero::client_config config;
    config.hosts = {{argv[1], static_cast<uint16_t>(std::atoi(argv[2]))}};
    auto client = aero::client::open(config);
    if (!client) return give_up("open", client.error());
    return store_and_read(*client, argc > 3 ? argv[3] : "test");
}
