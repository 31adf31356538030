using System.Net;
using DotNetty.Buffers;
using DotNetty.Transport.Bootstrapping;
using DotNetty.Transport.Channels;
using DotNetty.Transport.Channels.Sockets;

namespace Benchmarks.Servers;

/// <summary>What a DotNetty user writes: write what is read, flush when the read is complete, and stop reading while the peer does not.</summary>
internal sealed class DotNettyEcho : ChannelHandlerAdapter
{
    private const int Backlog = 512;

    public override bool IsSharable => true;

    public static string Version() => $"DotNetty {typeof(ServerBootstrap).Assembly.GetName().Version?.ToString(3)}";

    public static async Task RunAsync(int port)
    {
        var accepting = new MultithreadEventLoopGroup(1);
        var serving = new MultithreadEventLoopGroup(Environment.ProcessorCount);
        var handler = new DotNettyEcho();
        IChannel listener = await new ServerBootstrap()
            .Group(accepting, serving)
            .Channel<TcpServerSocketChannel>()
            .Option(ChannelOption.SoBacklog, Backlog)
            .ChildOption(ChannelOption.TcpNodelay, true)
            .ChildOption(ChannelOption.Allocator, PooledByteBufferAllocator.Default)
            .ChildHandler(new ActionChannelInitializer<IChannel>(channel => channel.Pipeline.AddLast(handler)))
            .BindAsync(new IPEndPoint(IPAddress.Loopback, port));
        Console.WriteLine($"listening on 127.0.0.1:{((IPEndPoint)listener.LocalAddress).Port}");
        await listener.CloseCompletion;
    }

    public override void ChannelRead(IChannelHandlerContext context, object message) => context.WriteAsync(message);

    public override void ChannelReadComplete(IChannelHandlerContext context) => context.Flush();

    public override void ChannelWritabilityChanged(IChannelHandlerContext context)
    {
        context.Channel.Configuration.AutoRead = context.Channel.IsWritable;
        context.FireChannelWritabilityChanged();
    }

    public override void ExceptionCaught(IChannelHandlerContext context, Exception exception) => context.CloseAsync();
}
