#include "ring/parcels.h"

#include <gtest/gtest.h>

#include "ring/agreement.h"
#include "testing/ask.h"

namespace aero_server {
namespace {

using testing::ask;
using testing::key_in;
namespace wire = aero::wire;

aero::buffer without_kind(const aero::buffer& whole) {
    aero::buffer rest;
    rest.append(whole.view().subspan(1));
    return rest;
}

TEST(ParcelsTest, ARequestArrivesAsItWasSentAndNoPartOfItIsTaken) {
    aero::buffer whole;
    ask asked(key_in(77, 5));
    asked.write(2, 3).put("a", 9).generation(4).ttl(60).stored_key("\x03key").filter();
    parcels::write_request(whole, asked.request());
    const aero::buffer bytes = without_kind(whole);
    const auto got = parcels::read_request(aero::reader(bytes.view()));
    ASSERT_TRUE(got);
    const record_request& sent = asked.request();
    EXPECT_EQ(got->key, sent.key);
    EXPECT_EQ(got->info2, sent.info2);
    EXPECT_EQ(got->info3, sent.info3);
    EXPECT_EQ(got->generation, 4u);
    EXPECT_EQ(got->ttl, 60u);
    EXPECT_EQ(got->set, "users");
    EXPECT_EQ(got->op_count, 1);
    EXPECT_TRUE(got->has_filter && got->has_key && got->has_digest && !got->has_udf);
    EXPECT_EQ(aero::as_text(got->ops), aero::as_text(sent.ops));
    EXPECT_EQ(aero::as_text(got->stored_key), "\x03key");
    for (size_t size = 0; size < bytes.size(); ++size)
        EXPECT_FALSE(parcels::read_request(aero::reader(bytes.view().first(size)))) << size;
}

TEST(ParcelsTest, ARecordArrivesWithItsSetAndNoPartOfItIsTaken) {
    const server_clock clock;
    store from("test", 0, clock);
    store into("test", 0, clock);
    aero::buffer bins;
    wire::append_op(bins, wire::op_code::read, wire::particle::string, "b", aero::as_bytes("text"));
    record_ptr made = make_record(key_in(3, 4), 2, bins.size());
    std::memcpy(made->data(), "ke", 2);
    std::memcpy(made->data() + 2, bins.data(), bins.size());
    made->generation = 9;
    made->bin_count = 1;
    made->void_time = 11;
    made->last_update_ms = 12;
    made->set = from.sets().find_or_make("users");
    aero::buffer bytes;
    parcels::append_record(bytes, *made);
    aero::reader whole(bytes.view());
    const record_ptr got = parcels::read_record(whole, into);
    ASSERT_NE(got, nullptr);
    EXPECT_EQ(got->key, made->key);
    EXPECT_EQ(got->generation, 9);
    EXPECT_EQ(got->void_time, 11u);
    EXPECT_EQ(got->last_update_ms, 12u);
    EXPECT_EQ(got->set, into.sets().find("users"));
    EXPECT_EQ(aero::as_text(got->stored_key()), "ke");
    EXPECT_EQ(aero::as_text(got->bins()), aero::as_text(bins.view()));
    EXPECT_EQ(parcels::read_record(whole, into), nullptr) << "nothing follows";
    for (size_t size = 1; size < bytes.size(); ++size) {
        aero::reader part(bytes.view().first(size));
        EXPECT_EQ(parcels::read_record(part, into), nullptr) << size;
        EXPECT_FALSE(part.ok());
    }
    made->bin_count = 2;  // one more than there is
    aero::buffer wrong;
    parcels::append_record(wrong, *made);
    aero::reader of_wrong(wrong.view());
    EXPECT_EQ(parcels::read_record(of_wrong, into), nullptr);
}

TEST(ParcelsTest, AnAnswerThatIsNoneCountsAsLost) {
    aero::buffer reply;
    EXPECT_EQ(parcels::read_answer({}, reply).is, answer::kind::lost);
    const uint8_t unknown[] = {9, 0, 0, 0};
    EXPECT_EQ(parcels::read_answer({unknown, 4}, reply).is, answer::kind::lost);
    aero::buffer told;
    parcels::write_answer(told, {answer::kind::moved, 2}, {});
    const answer moved = parcels::read_answer(told.view(), reply);
    EXPECT_EQ(moved.is, answer::kind::moved);
    EXPECT_EQ(moved.master, 2);
    EXPECT_TRUE(reply.empty());
}

class AgreementTest : public ::testing::Test {
  protected:
    const ring_plan plan_{{"A1", "A2", "A3"}, 2};
    agreement first() const {
        agreement made = plan_.next({}, 0, 0b111);
        made.version = agreement::version_after(0, 0);
        return made;
    }
};

TEST_F(AgreementTest, ArrivesAsItWasSentAndNoPartOfItIsTaken) {
    agreement sent = first();
    sent.lives = {7, 8, 9};
    sent.key = 5;
    aero::buffer bytes;
    append_agreement(bytes, sent);
    const auto got = read_agreement(aero::reader(bytes.view()));
    ASSERT_TRUE(got);
    EXPECT_EQ(got->version, sent.version);
    EXPECT_EQ(got->lives, sent.lives);
    EXPECT_EQ(got->owners, sent.owners);
    for (size_t size = 0; size < bytes.size(); size += 7)
        EXPECT_FALSE(read_agreement(aero::reader(bytes.view().first(size)))) << size;
}

TEST_F(AgreementTest, OwnersAreDifferentMembers) {
    for (const owner_list& owners : {owner_list{{1, true}, {1, true}}, owner_list{{5, true}}}) {
        agreement sent = first();
        sent.owners[9] = owners;
        aero::buffer bytes;
        append_agreement(bytes, sent);
        EXPECT_FALSE(read_agreement(aero::reader(bytes.view())));
    }
}

TEST_F(AgreementTest, WhoHasTheRecordsServesThemWhenTheMasterIsLost) {
    const agreement before = first();
    const agreement after = plan_.next(before, 0b110, 0);
    EXPECT_EQ(after.base, before.version);
    for (unsigned id = 0; id < aero::wire::partitions; ++id) {
        const owner_list& was = before.owners[id];
        const owner_list& is = after.owners[id];
        ASSERT_EQ(is.size(), 2u);
        EXPECT_EQ(is[0].node, was[0].node == 0 ? was[1].node : was[0].node) << id;
        EXPECT_FALSE(names(is, 0));
        EXPECT_TRUE(is[0].filled);
        EXPECT_EQ(is[1].filled, names(was, is[1].node)) << "who did not have it is to be filled";
    }
    EXPECT_FALSE(plan_.is_settled(after));
}

TEST_F(AgreementTest, WhoComesOwnsNothingUntilItIsFilled) {
    agreement two = plan_.next({}, 0, 0b011);
    two.version = agreement::version_after(0, 0);
    EXPECT_TRUE(plan_.is_settled(two));
    const agreement three = plan_.next(two, 0b011, 0b100);
    EXPECT_EQ(three.members, 0b111u);
    EXPECT_EQ(three.owners, two.owners);
    EXPECT_FALSE(plan_.is_settled(three));
}

TEST_F(AgreementTest, VersionsGrowAndNoTwoLeadersMakeTheSame) {
    const uint64_t by_2 = agreement::version_after(0, 2);
    const uint64_t by_0 = agreement::version_after(by_2, 0);
    EXPECT_GT(by_0, by_2);
    EXPECT_NE(agreement::version_after(by_0, 0), agreement::version_after(by_0, 1));
}

}  // namespace
}  // namespace aero_server
