"""What the bundled program ``flimage-gui`` starts."""

import multiprocessing
import sys

from flimage_gui.__main__ import main

if __name__ == "__main__":
    # A bundle starts itself again for each of its processes.
    multiprocessing.freeze_support()
    sys.exit(main())
