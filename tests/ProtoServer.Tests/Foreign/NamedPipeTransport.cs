using System.IO.Pipelines;
using System.IO.Pipes;
using System.Net;
using Microsoft.AspNetCore.Connections;

namespace ProtoServer.Tests;

/// <summary>The plainest transport that one could write: named pipes of the runtime's, their streams as pipes. Nothing in it knows of a loop.</summary>
internal sealed class NamedPipeTransport : IConnectionListenerFactory
{
    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) => new(new Listener((NamedPipeEndPoint)endpoint));

    private sealed class Listener(NamedPipeEndPoint endPoint) : IConnectionListener
    {
        private readonly CancellationTokenSource _closing = new();

        public EndPoint EndPoint => endPoint;

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
        {
            var pipe = new NamedPipeServerStream(endPoint.PipeName, PipeDirection.InOut, NamedPipeServerStream.MaxAllowedServerInstances, PipeTransmissionMode.Byte, System.IO.Pipes.PipeOptions.Asynchronous);
            try
            {
                await pipe.WaitForConnectionAsync(_closing.Token).ConfigureAwait(false);
                return new Connection(pipe);
            }
            catch (OperationCanceledException)
            {
                await pipe.DisposeAsync();
                return null;
            }
        }

        public async ValueTask UnbindAsync(CancellationToken cancellationToken = default) => await _closing.CancelAsync().ConfigureAwait(false);

        public ValueTask DisposeAsync() => UnbindAsync();
    }

    private sealed class Connection : DefaultConnectionContext, IDuplexPipe
    {
        private readonly Stream _stream;

        public Connection(Stream stream)
        {
            _stream = stream;
            Input = PipeReader.Create(stream, new StreamPipeReaderOptions(leaveOpen: true));
            Output = PipeWriter.Create(stream, new StreamPipeWriterOptions(leaveOpen: true));
            Transport = this;
        }

        public PipeReader Input { get; }

        public PipeWriter Output { get; }

        public override void Abort(ConnectionAbortedException abortReason) => _stream.Dispose();

        public override ValueTask DisposeAsync() => _stream.DisposeAsync();
    }
}
