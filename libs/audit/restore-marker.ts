/** In a data directory that `ck restore` made: one line that says what it was restored to. ZooKeeper does not look at it. */
export const restoreMarkerName = 'restored-by-chronokeeper';
