#!/bin/sh
# zkServer.sh start-foreground CONFIG, as go-zookeeper's tests call it. The harness kills the process that it started, so that every
# step from here to the server is an exec.
if [ "$1" != start-foreground ] || [ -z "$2" ]; then
  echo "usage: zkServer.sh start-foreground CONFIG" >&2
  exit 2
fi
# shellcheck disable=SC2086 -- the flags are split at blanks, as the real script has them split
exec java $SERVER_JVMFLAGS $JVMFLAGS org.apache.zookeeper.server.quorum.QuorumPeerMain "$2"
