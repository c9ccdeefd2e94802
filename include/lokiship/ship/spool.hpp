#ifndef LOKISHIP_SHIP_SPOOL_HPP
#define LOKISHIP_SHIP_SPOOL_HPP

#include <lokiship/aoss/step_key.hpp>
#include <lokiship/loki/entry.hpp>
#include <lokiship/loki/labels.hpp>
#include <lokiship/ship/detail/large_buffer.hpp>
#include <lokiship/ship/detail/line_file.hpp>
#include <lokiship/ship/detail/prefetch.hpp>
#include <lokiship/ship/detail/require.hpp>
#include <lokiship/ship/detail/spool_merge.hpp>
#include <lokiship/ship/detail/stored_metadata.hpp>
#include <lokiship/ship/detail/temporary_file.hpp>
#include <lokiship/ship/stored_line.hpp>

#include <boost/assert.hpp>
#include <boost/unordered/unordered_flat_map.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace lokiship::ship {

struct spool_options {
    /// Where the temporary files are made; empty: where the environment's `TMPDIR` says, else `/var/tmp`, since `/tmp` may
    /// lie in memory.
    std::string directory{};
    /// How many bytes wait in memory until they are written. At least 64 KiB, below 2 GiB; the longest line must fit.
    std::size_t memory = 8 * 1024 * 1024;
    /// All streams are one order, by time.
    bool one_order = false;
};

/// An entry as it lies in a spool.
struct spooled_entry {
    timestamp time{};
    stored_line line;
    aoss::step_key key;
    /// Which of `spool::streams` it belongs to.
    std::uint32_t stream = 0;

    /// About how much `read` gives.
    std::size_t size() const noexcept { return line.size() + line.metadata_size(); }
    /// With its line and its structured metadata. Throws what `stored_line::read` throws.
    loki::entry read() const {
        loki::labels metadata = line.read_metadata();
        return {time, std::string(line.read()), std::move(metadata)};
    }
};

/// What a spool knows of a stream.
struct spooled_stream {
    loki::labels labels;
    std::uint64_t entries = 0;
    /// Of all lines, and of the longest.
    std::uint64_t bytes = 0;
    std::size_t longest_line = 0;
    timestamp oldest{}, newest{};
};

/// Holds any number of entries on disk and gives them back by stream, each stream oldest first: they come newest
/// first and must go the other way round.
///
/// An external merge sort: what fills the memory is sorted and becomes a run in a temporary file without a name, and
/// runs that are many are merged. All lines lie in a file of their own, where each is written once, and are read only when
/// they are asked for. Entries of one time are ordered by execution, and those of one execution as they came: the order does
/// not depend on when they were read. Memory: `spool_options::memory` and 320 KiB until `finish`, then 64 KiB to read lines
/// (more for a longer one) and 14 KiB for each run that a cursor reads; about 200 bytes and its labels a stream, and 64 bytes
/// for each stream in each run, of which there are at most a few dozen.
///
/// What the disk refuses throws `system_error`, whose text names the folder; the spool is useless then, as it is with more than
/// a TiB of lines. Not thread-safe.
class spool {
public:
    explicit spool(spool_options options = {})
        : options_(std::move(options)) {
        detail::require(options_.memory >= 64 * 1024 && options_.memory < std::size_t{1} << 31,
                        "spool.memory must be from 64 KiB to 2 GiB");
        if (options_.directory.empty()) {
            const char* const named = std::getenv("TMPDIR");
            options_.directory = named && *named ? named : "/var/tmp";
        }
    }
    spool(const spool&) = delete;
    spool& operator=(const spool&) = delete;

    /// Which of `streams` has these labels; it is added where there is none. Precondition: `finish` was not called.
    std::uint32_t stream(const loki::labels& labels) {
        const auto [at, added] = numbers_.emplace(labels, static_cast<std::uint32_t>(streams_.size()));
        if (added)
            streams_.push_back({labels});
        return at->second;
    }
    /// Precondition: `finish` was not called.
    void add(const loki::labels& labels, timestamp time, std::string_view line, const aoss::step_key& key) {
        add(stream(labels), time, line, key);
    }
    /// The same for one of `streams`. Throws `system_error`, `errc::page_field_too_long`, where `metadata` takes 64 KiB, or has
    /// more than 255 labels.
    void add(std::uint32_t number, timestamp time, std::string_view line, const aoss::step_key& key,
             const loki::labels& metadata = {}) {
        BOOST_ASSERT(!finished_);
        const std::size_t metadata_size = detail::stored_size(metadata);
        if (metadata_size > detail::max_stored_metadata || metadata.size() > detail::max_stored_labels)
            throw boost::system::system_error(make_error_code(errc::page_field_too_long),
                                              "structured metadata of " + std::to_string(metadata.size()) +
                                                  " labels and " + std::to_string(metadata_size) +
                                                  " bytes is more than an entry may have");
        count(streams_[number], time, line.size());
        detail::spool_record r{};
        r.time = text::to_unix_nanoseconds(time);
        r.execution_high = key.execution_high;
        r.execution_low = key.execution_low;
        r.step = key.step;
        r.content = key.content;
        r.metadata_size = metadata_size & detail::max_stored_metadata;
        r.metadata_labels = metadata.size() & detail::max_stored_labels;
        r.line_size = static_cast<std::uint32_t>(line.size());
        r.stream = number;
        const std::size_t size = sizeof r + metadata_size + line.size();
        if (used_ + size + (blocks_.size() + 1) * sizeof(block) > options_.memory)
            write_run();
        if (size + sizeof(block) > options_.memory)
            throw boost::system::system_error(make_error_code(errc::page_field_too_long),
                                              "a line of " + std::to_string(line.size()) +
                                                  " bytes is larger than the spool's memory");
        if (!memory_)
            memory_ = detail::make_large_buffer(options_.memory);
        std::memcpy(memory_.get() + used_, &r, sizeof r);
        char* const behind = detail::store(metadata, memory_.get() + used_ + sizeof r);
        std::memcpy(behind, line.data(), line.size());
        const std::uint32_t group = options_.one_order ? 0 : number;
        if (blocks_.empty() || blocks_.back().group != group || previous_.rank() != r.rank())
            blocks_.push_back({group, static_cast<std::uint32_t>(used_), r.time, 0});
        ++blocks_.back().records;
        previous_ = r;
        used_ += size;
    }

    /// Call it after the last `add` and before reading.
    void finish() {
        if (finished_)
            return;
        write_run();
        if (lines_)
            lines_->finish();
        memory_.reset();
        std::vector<block>().swap(blocks_);
        numbers_ = {};
        finished_ = true;
    }

    const std::vector<spooled_stream>& streams() const noexcept { return streams_; }
    /// How many bytes lie on disk.
    std::uint64_t size() const noexcept {
        std::uint64_t n = lines_ ? lines_->size() : 0;
        for (const auto& r : runs_)
            n += r.file->size();
        return n;
    }
    std::size_t runs() const noexcept { return runs_.size(); }

    /// Goes through one stream, oldest first. The spool must outlive it.
    class cursor {
    public:
        /// False at the end. Throws `system_error` where the disk cannot be read.
        bool next(spooled_entry& out) {
            const detail::spool_record* const r = merge_.record();
            if (!r)
                return false;
            out.time = text::from_unix_nanoseconds(r->time);
            out.line = {lines_, r->line, r->line_size, static_cast<std::uint16_t>(r->metadata_size),
                        static_cast<std::uint8_t>(r->metadata_labels)};
            out.key = {r->execution_high, r->execution_low, r->step, r->content};
            out.stream = r->stream;
            merge_.pop();
            ++position_;
            return true;
        }
        /// How many were read.
        std::uint64_t position() const noexcept { return position_; }
        /// Gives the buffers back; the next `next` reads anew.
        void release() { merge_.release(); }

    private:
        friend class spool;
        cursor(const std::vector<detail::spool_extent>& extents, const detail::line_file* lines)
            : merge_(extents)
            , lines_(lines) {}

        detail::spool_merge merge_;
        const detail::line_file* lines_;
        std::uint64_t position_ = 0;
    };

    /// Precondition: `finish` was called. With `one_order`, `stream` is 0 and stands for all.
    cursor read(std::uint32_t stream) const {
        BOOST_ASSERT(finished_);
        return cursor(extents(stream, 0), lines_.get());
    }

private:
    /// Entries of one execution that came one behind the other; each lies in memory with its line behind it.
    struct block {
        std::uint32_t group, offset;
        std::int64_t time;
        std::uint32_t records;
    };
    /// Where a group lies in its run's file; it ends where the next one begins.
    struct place {
        std::uint32_t group;
        std::uint64_t begin;
        std::int64_t first_time;
    };
    struct run {
        std::unique_ptr<detail::temporary_file> file;
        /// Ascending; ends with one beyond the last.
        std::vector<place> places;
        unsigned level = 0;
    };
    /// Writes a run's file through a buffer.
    class run_writer {
    public:
        explicit run_writer(const std::string& directory) {
            run_.file = std::make_unique<detail::temporary_file>(directory);
            buffer_.reserve(capacity);
        }
        void add(std::uint32_t group, const detail::spool_record& r) {
            if (run_.places.empty() || run_.places.back().group != group)
                run_.places.push_back({group, run_.file->size() + size(), r.time});
            if (buffer_.size() == capacity)
                flush();
            buffer_.push_back(r);
        }
        run finish(unsigned level) {
            flush();
            run_.places.push_back({std::numeric_limits<std::uint32_t>::max(), run_.file->size(), 0});
            run_.places.shrink_to_fit();
            run_.level = level;
            return std::move(run_);
        }

    private:
        static constexpr std::size_t capacity = 1024;
        std::size_t size() const noexcept { return buffer_.size() * sizeof(detail::spool_record); }
        void flush() {
            run_.file->append(reinterpret_cast<const char*>(buffer_.data()), size());
            buffer_.clear();
        }
        run run_;
        std::vector<detail::spool_record> buffer_;
    };

    static void count(spooled_stream& s, timestamp time, std::size_t size) {
        if (s.entries == 0)
            s.oldest = s.newest = time;
        s.oldest = std::min(s.oldest, time);
        s.newest = std::max(s.newest, time);
        ++s.entries;
        s.bytes += size;
        s.longest_line = std::max(s.longest_line, size);
    }

    void write_run() {
        if (blocks_.empty())
            return;
        const auto record = [this](std::size_t offset) {
            detail::spool_record r;
            std::memcpy(&r, memory_.get() + offset, sizeof r);
            return r;
        };
        std::sort(blocks_.begin(), blocks_.end(), [&](const block& a, const block& b) {
            if (a.group != b.group)
                return a.group < b.group;
            if (a.time != b.time)
                return a.time < b.time;
            const auto left = record(a.offset), right = record(b.offset);
            return left.rank() != right.rank() ? left.rank() < right.rank() : a.offset < b.offset;
        });
        if (!lines_)
            lines_ = std::make_unique<detail::line_file>(options_.directory);
        run_writer out(options_.directory);
        for (std::size_t i = 0; i != blocks_.size(); ++i) {
            // They lie anywhere.
            if (blocks_.size() - i > blocks_ahead) {
                const std::size_t begin = blocks_[i + blocks_ahead].offset;
                for (std::size_t at = begin; at < std::min(begin + bytes_ahead, used_); at += 64)
                    detail::prefetch(memory_.get() + at);
            }
            const block& b = blocks_[i];
            std::size_t at = b.offset;
            for (std::uint32_t n = 0; n != b.records; ++n) {
                detail::spool_record r = record(at);
                at += sizeof r;
                const std::size_t size = r.metadata_size + std::size_t{r.line_size};
                const std::uint64_t line = lines_->append({memory_.get() + at, size});
                if (line > detail::max_line_offset)
                    throw boost::system::system_error(
                        boost::system::errc::make_error_code(boost::system::errc::file_too_large),
                        "the spool in '" + text::escape_for_log(options_.directory) + "'");
                r.line = line & detail::max_line_offset;
                at += size;
                out.add(b.group, r);
            }
        }
        runs_.push_back(out.finish(0));
        blocks_.clear();
        used_ = 0;
        compact();
    }

    /// Merges the last runs, where so many are alike, into one of the next level.
    void compact() {
        for (;;) {
            const unsigned level = runs_.back().level;
            std::size_t first = runs_.size(), places = 0;
            while (first != 0 && runs_[first - 1].level == level)
                places += runs_[--first].places.size();
            const std::size_t alike = runs_.size() - first;
            if (alike < 2 || (alike < fan_in && places < max_places))
                return;
            run merged = merge(first);
            merged.level = level + 1;
            runs_.resize(first);
            runs_.push_back(std::move(merged));
        }
    }
    run merge(std::size_t first) {
        std::vector<std::uint32_t> groups;
        for (std::size_t r = first; r != runs_.size(); ++r)
            for (std::size_t i = 0; i + 1 < runs_[r].places.size(); ++i)
                groups.push_back(runs_[r].places[i].group);
        std::sort(groups.begin(), groups.end());
        groups.erase(std::unique(groups.begin(), groups.end()), groups.end());
        run_writer out(options_.directory);
        for (const auto group : groups) {
            detail::spool_merge records(extents(group, first));
            while (const auto* const r = records.record()) {
                out.add(group, *r);
                records.pop();
            }
        }
        return out.finish(0);
    }

    std::vector<detail::spool_extent> extents(std::uint32_t group, std::size_t first_run) const {
        std::vector<detail::spool_extent> out;
        for (std::size_t r = first_run; r != runs_.size(); ++r) {
            const auto& places = runs_[r].places;
            const auto at = std::lower_bound(places.begin(), places.end(), group,
                                             [](const place& p, std::uint32_t g) { return p.group < g; });
            if (at != places.end() && at->group == group && at + 1 != places.end())
                out.push_back({runs_[r].file.get(), at->begin, (at + 1)->begin, at->first_time});
        }
        return out;
    }

    /// How far before it is written a block is fetched, and how much of it; the rest follows by itself.
    static constexpr std::size_t blocks_ahead = 3, bytes_ahead = 512;
    static constexpr std::size_t fan_in = 32;
    static constexpr std::size_t max_places = 100'000;

    spool_options options_;
    std::vector<spooled_stream> streams_;
    boost::unordered_flat_map<loki::labels, std::uint32_t> numbers_;
    detail::large_buffer memory_;
    std::size_t used_ = 0;
    std::vector<block> blocks_;
    /// What was added last.
    detail::spool_record previous_{};
    std::unique_ptr<detail::line_file> lines_;
    std::vector<run> runs_;
    bool finished_ = false;
};

} // namespace lokiship::ship

#endif
