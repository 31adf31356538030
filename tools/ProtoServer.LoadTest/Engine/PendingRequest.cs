namespace ProtoServer.LoadTest.Engine;

/// <summary>A request that waits for its reply.</summary>
/// <param name="Intended">When it was due, in nanoseconds of the clock; in a closed loop, when it was sent.</param>
/// <param name="Sent">When it was really sent.</param>
internal readonly record struct PendingRequest(long Intended, long Sent);
