namespace ProtoServer;

// Around each callback: the connection's own AsyncLocal values, and a name for one that takes too long.
internal sealed partial class ProtocolConnection
{
    private ExecutionContext? _context = CallContext.Capture();
    private bool _calling;

    /// <summary>One callback. Enters the connection's context, and keeps what the callback made of it for the next one; where no value is set anywhere this compares references and no more.</summary>
    private readonly ref struct Calling
    {
        private readonly ProtocolConnection? _connection; // null inside another callback of the same connection: PauseWriting inside a write
        private readonly ExecutionContext? _outer;
        private readonly string _callback;
        private readonly long _started;

        public Calling(ProtocolConnection connection, string callback)
        {
            _callback = callback;
            if (connection._calling)
            {
                return;
            }
            _connection = connection;
            connection._calling = true;
            _started = connection.Loop.BeginWatch();
            _outer = ExecutionContext.Capture();
            if (_outer != connection._context)
            {
                CallContext.Restore(connection._context);
            }
        }

        public void Dispose()
        {
            if (_connection is null)
            {
                return;
            }
            _connection._calling = false;
            ExecutionContext? mine = ExecutionContext.Capture();
            if (mine != _connection._context)
            {
                _connection._context = mine;
            }
            if (mine != _outer)
            {
                CallContext.Restore(_outer);
            }
            if (_started != 0)
            {
                _connection.Loop.EndWatch(_started, $"{_connection._protocol.GetType().Name}.{_callback} of {_connection.RemoteEndPoint}");
            }
        }
    }
}
