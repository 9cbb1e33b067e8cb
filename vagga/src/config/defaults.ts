// Every number and name the tool assumes, with its reason.

/** Looked for in each directory upwards, in this order; the first hit makes the directory a project. */
export const CONFIG_FILES: readonly string[] = ['.vagga/vagga.yaml', 'vagga.yaml'];

/** Names that people give the file by mistake, beside it or in `.vagga`. */
export const MISTAKEN_FILES: readonly string[] = ['vagga.yml', '.vagga/vagga.yml'];

/** Their presence alone makes a project with an empty main config. */
export const LOCAL_MIXINS: readonly string[] = ['vagga.local.yaml', '.vagga.local.yaml', '.vagga/local.yaml'];

/** A config of a large project is about 100 KB; 4 MiB leaves room and still parses in a second. */
export const CONFIG_BYTES_MAX = 4 * 1024 * 1024;

/** A file named by `!Copy` or `!Depends` is read to hash it: a quarter of a minute at the speed of a good disk. */
export const HASHED_FILE_BYTES_MAX = 64 * 1024 ** 3;

/** Files that are understood, not only hashed (requirements, manifests, lock files): those of big projects have some MB. */
export const PARSED_FILE_BYTES_MAX = 256 * 1024 * 1024;

/** What is kept beside an image about its identity: 100,000 files with 100 bytes each take 10 MB. */
export const IDENTITY_RECORD_BYTES_MAX = 64 * 1024 * 1024;

/** Entries of one archive: the biggest source trees have some 100,000 files. */
export const ARCHIVE_ENTRIES_MAX = 2_000_000;

/** Unpacked size of one archive: more than any image of today. */
export const ARCHIVE_UNPACKED_BYTES_MAX = 64 * 1024 ** 3;

/** gzip cannot exceed 1032:1, so only xz, bzip2 and zstd archives that are all zeros meet this. */
export const ARCHIVE_RATIO_MAX = 2000;

/** What an archive of any size may unpack to. */
export const ARCHIVE_SLACK_BYTES = 1024 ** 3;

/** One extended header of a tar archive; 64 of them for the directory of a zip archive (200 bytes × 300,000 files). */
export const ARCHIVE_METADATA_BYTES_MAX = 1024 * 1024;

/** As the kernel: a path is at most 4095 bytes and NUL. */
export const ARCHIVE_NAME_BYTES_MAX = 4096;

/** npm's deepest trees have about 100 levels. */
export const ARCHIVE_DEPTH_MAX = 256;

/** Tries per address: with the growing pauses between them about 8 seconds, enough for a server that restarts. */
export const DOWNLOAD_ATTEMPTS = 5;

/** Pause after the first failure; it doubles. */
export const DOWNLOAD_RETRY_MS = 500;

/** A connection that says nothing for this long is dead. */
export const DOWNLOAD_IDLE_MS = 60_000;

/** As in curl's habit of 50, cut to what honest servers need. */
export const REDIRECTS_MAX = 10;

/** One file: beyond the biggest images and toolchains. */
export const DOWNLOAD_BYTES_MAX = 32 * 1024 ** 3;

/** Names in the cache: file systems take 255 bytes, and a checksum and `.part.from` come with it. */
export const DOWNLOAD_NAME_BYTES_MAX = 200;

/** Manifests, configs and tokens of registries: the distribution protocol promises room for 4 MiB. */
export const IMAGE_DOCUMENT_BYTES_MAX = 4 * 1024 * 1024;

/** Tries per question to a registry: it is small, and somebody waits for the answer. */
export const REGISTRY_ATTEMPTS = 3;

/** Layers fetched at once: as podman and docker do. */
export const IMAGE_DOWNLOADS = 3;

/** A program that keeps passwords may have to ask its user. */
export const CREDENTIAL_HELPER_MS = 60_000;

/** The search path of builds and runs, as on Debian for root. */
export const SEARCH_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** /tmp and /run of a running container: 100 MiB holds scratch files and keeps a runaway from eating the host. */
export const TMPFS_BYTES = 100 * 1024 * 1024;

/** Without `uids`/`gids`: the ids of an ordinary Linux system. */
export const DEFAULT_IDS = [{ start: 0, end: 65_536 }] as const;

/** Shell scripts of the spec's steps; `$cmdline` is the script, the user's arguments follow. */
export const DEFAULT_SHELL: readonly string[] = ['/bin/sh', '-c', '$cmdline', '--'];

/** Seconds between SIGTERM and SIGKILL of supervised processes (`kill-unresponsive-after`). */
export const KILL_UNRESPONSIVE_AFTER_S = 2;

/** Lines of a failed step shown: they fit a terminal together with the message. */
export const FAILURE_TAIL_LINES = 20;

/** Package lists change daily upstream; a bootstrapped base older than this is made anew on the next build. */
export const BASE_CACHE_AGE_MS = 24 * 3600 * 1000;

/** Parallel package operations of two builds share one cache and wait for each other this long: a slow first build. */
export const CACHE_LOCK_WAIT_S = 1800;

/** Raised when the meaning of the files under `.vagga` that only speed things up changes. */
export const CACHE_FORMAT = 6;

/** Images with more files than this have a file for what is known about them: the others together stay below 100 KB. */
export const STAMPS_INLINE_MAX = 100;

/** Seconds until a process must be ready: a database on a slow disk initialises within half of that. */
export const READY_TIMEOUT_S = 60;

/** Milliseconds between two looks: nobody notices them, and a look costs about a millisecond. */
export const READY_INTERVAL_MS = 250;

/** Seconds between two starts of what keeps failing: rare enough to be cheap, often enough to recover by itself. */
export const RESTART_BACKOFF_MAX_S = 30;

/** The step cache keeps this much: some ten big images with their steps. */
export const STEP_CACHE_BYTES = 20 * 1024 ** 3;

/** Days a cached step is kept without use: branches left for a holiday are still quick after it. */
export const STEP_CACHE_AGE_DAYS = 30;

/** Mixins of a project, repeated ones counted again: mixins that name each other twice would double with every level. */
export const MIXINS_MAX = 100;

/** Where Ubuntu's packages come from without the setting; other processors have an archive of their own. */
export const UBUNTU_MIRROR = 'http://archive.ubuntu.com/ubuntu';
export const UBUNTU_PORTS_MIRROR = 'http://ports.ubuntu.com/ubuntu-ports';
/** Releases that are not maintained any more move there. */
export const UBUNTU_OLD_MIRROR = 'http://old-releases.ubuntu.com/ubuntu';

/** The mirror of the day is the host's own, else the one that mmdebstrap knows; this one has what those have no more. */
export const DEBIAN_OLD_MIRROR = 'http://archive.debian.org/debian';

export const ALPINE_MIRROR = 'http://dl-cdn.alpinelinux.org/alpine/';

/** Key servers: the one that Ubuntu's own tools ask. */
export const KEY_SERVER = 'hkps://keyserver.ubuntu.com:443';

/** A key with the signatures of its whole community is about 1 MiB. */
export const OPENPGP_BYTES_MAX = 4 * 1024 * 1024;

/** Alpine's index of `main` is 0.5 MiB packed and 2 MiB open; the static package manager is 2.5 and 8 MiB. */
export const APK_PACKED_BYTES_MAX = 32 * 1024 * 1024;
export const APK_OPEN_BYTES_MAX = 128 * 1024 * 1024;

/** A layer used within this time is not given up: a build that begins now may have looked it up already. */
export const LAYER_GRACE_MS = 10 * 60 * 1000;

/** Bringing a new image to its disk takes seconds; after a minute nobody is doing it any more. */
export const FLUSH_OVERDUE_MS = 60_000;

/** At once, each with an open file of the 1024 that a process may have; one build makes a few. */
export const FLUSH_IMAGES_MAX = 500;

/** Hard links of so many files take about 40 ms, as long as starting a process that would make them meanwhile. */
export const FILES_AT_ONCE_MAX = 4000;

/** Every watched file may pin 1 KiB of kernel memory: half a GiB is what vagga takes by itself, more is for the administrator to give. */
export const INOTIFY_LIMIT_APPLIED_MAX = 524_288;

/** `_doctor`: a Debian with a compiler has 700 MB while it is built; less than this and the first build ends in the middle. */
export const DOCTOR_DISK_MIN_BYTES = 1024 ** 3;
/** Room for the containers of a project with their step caches. */
export const DOCTOR_DISK_LOW_BYTES = 5 * 1024 ** 3;
/** A Debian with Python and Node has 60,000 files. */
export const DOCTOR_INODES_LOW = 200_000;
/** A web project with its packages has some ten thousand directories; the kernel's old default was 8192. */
export const DOCTOR_INOTIFY_WATCHES = 65_536;
/** A mirror that needs longer makes no build fun. */
export const DOCTOR_MIRROR_WAIT_MS = 5000;

/** The first pause before a process is started again; it doubles up to `restart-backoff-max`. */
export const RESTART_BACKOFF_FIRST_MS = 500;

/** Who has lived this long was not failing: the pauses begin anew. */
export const RESTART_FORGET_MS = 10_000;

/** The exit code of a run that ended because a process was not ready in time: that of timeout(1). */
export const READY_FAILED_CODE = 124;

/** A line of a supervised process that is longer comes in pieces: what a terminal or log viewer still handles. */
export const OUTPUT_LINE_BYTES_MAX = 64 * 1024;

/** Who is waited for is said when the stop takes longer than people think nothing of. */
export const STOP_REMINDER_MS = 1000;

/** A process that is not ready for so long is spoken of, and again each time. */
export const READY_REPORT_MS = 5000;

/** One answer of a readiness check; the rest of a page is not read. */
export const READY_ANSWER_BYTES_MAX = 4096;

/** A file of variables is written by hand: the biggest ones have some kilobytes. */
export const ENV_FILE_BYTES_MAX = 1024 * 1024;

/** The engine and the init of a container, which `pids-limit` does not mean. */
export const ENGINE_PIDS = 2;

/** The log of a detached command, of which an older part as big is kept: a day of a chatty service. */
export const DETACHED_LOG_BYTES_MAX = 16 * 1024 * 1024;

/** An order names children: even hundreds of them fit. */
export const CONTROL_LINE_BYTES_MAX = 64 * 1024;

/** Names that are never watched: what git and vagga write there is not the project's. */
export const WATCH_IGNORED: readonly string[] = ['.git', '.vagga'];

/** An editor and a checkout write many files in a row; nobody notices the pause. */
export const WATCH_QUIET_MS = 100;

/** Without the kernel's help: a look at everything this often. */
export const WATCH_POLL_MS = 1000;

/** Beyond it a look takes seconds: `ignore` is the answer. */
export const WATCH_FILES_MAX = 200_000;

/** A program for containers (120 MB) that no command has used for so long belongs to an older version of ours. */
export const VAGGA_BIN_AGE_MS = 7 * 24 * 3600 * 1000;
