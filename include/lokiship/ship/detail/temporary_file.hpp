#ifndef LOKISHIP_SHIP_DETAIL_TEMPORARY_FILE_HPP
#define LOKISHIP_SHIP_DETAIL_TEMPORARY_FILE_HPP

#include <lokiship/error.hpp>
#include <lokiship/text/escape.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>

namespace lokiship::ship::detail {

/// A file without a name: it is gone when the object or the process is. What fails throws `system_error`, whose text
/// names the folder.
class temporary_file {
public:
    explicit temporary_file(std::string directory)
        : directory_(std::move(directory)) {
        fd_ = ::open(directory_.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        if (fd_ == -1 && (errno == EOPNOTSUPP || errno == EISDIR))
            open_and_unlink();
        if (fd_ == -1)
            fail("a temporary file cannot be opened");
    }
    temporary_file(const temporary_file&) = delete;
    temporary_file& operator=(const temporary_file&) = delete;
    ~temporary_file() { ::close(fd_); }

    std::uint64_t size() const noexcept { return size_; }

    void append(const char* data, std::size_t n) {
        while (n != 0) {
            const auto written = ::pwrite(fd_, data, n, static_cast<::off_t>(size_));
            if (written == -1 && errno == EINTR)
                continue;
            if (written <= 0)
                fail("it cannot be written");
            data += written;
            n -= static_cast<std::size_t>(written);
            size_ += static_cast<std::uint64_t>(written);
        }
    }
    /// Precondition: `offset + n <= size()`.
    void read(std::uint64_t offset, char* to, std::size_t n) const {
        while (n != 0) {
            const auto got = ::pread(fd_, to, n, static_cast<::off_t>(offset));
            if (got == -1 && errno == EINTR)
                continue;
            if (got == 0)
                errno = EIO;
            if (got <= 0)
                fail("it cannot be read");
            to += got;
            n -= static_cast<std::size_t>(got);
            offset += static_cast<std::uint64_t>(got);
        }
    }

private:
    void open_and_unlink() {
        std::string name = directory_ + "/lokiship-XXXXXX";
        fd_ = ::mkostemp(name.data(), O_CLOEXEC);
        if (fd_ != -1)
            ::unlink(name.c_str());
    }
    [[noreturn]] void fail(const char* what) const {
        throw boost::system::system_error(error_code(errno, boost::system::system_category()),
                                          "the spool in '" + text::escape_for_log(directory_) + "': " + what);
    }

    std::string directory_;
    int fd_ = -1;
    std::uint64_t size_ = 0;
};

} // namespace lokiship::ship::detail

#endif
